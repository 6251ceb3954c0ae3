# needs:
# the number that the scheduler gave the job which runs this
job=${SLURM_JOB_ID:-${PBS_JOBID:-${LSB_JOBID:-${JOB_ID:-}}}}
