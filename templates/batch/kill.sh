# needs: learn_scheduler program scheduler
# --- kill with a batch job -------------------------------------------------------------------------------------------
. "${program}/batch/stop.sh"
. "${program}/batch/jobs.sh"
# shellcheck source=batch/slurm.sh
. "${program}/batch/${scheduler}.sh"
learn_scheduler
. "${program}/batch/end.sh"
