# needs: host put state
# the number that the scheduler gave the job which runs this
job=${SLURM_JOB_ID:-${PBS_JOBID:-${LSB_JOBID:-${JOB_ID:-${OAR_JOB_ID:-${PJM_JOBID:-}}}}}}
if [ -z "${job}" ] && [ -n "${FLUX_ENCLOSING_ID:-}" ]; then
    # with Flux's own letter, which is no ASCII, in front
    job=$(printf '%s\n' "${FLUX_ENCLOSING_ID}" | command sed "s/^$(printf '\306\222')/f/")
fi

# Not every scheduler tells the name of its node.
write_where() {
    [ -z "${job}" ] || put "${state}/where" "${job} ${host}"
}
