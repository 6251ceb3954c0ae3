# needs: nap now now_s
# --- what this machine has and what of it is free: for `nbssh status --wide` ------------------------------------------

# Each of these is a number, or null. MiB and KiB become bytes.
# shellcheck disable=SC2016  # awk
machine_awk='
NF == 5 && $4 ~ /^[0-9]+\/[0-9]+$/ && $1 ~ /^[0-9]+(\.[0-9]+)?$/ { load = $1 }
$1 == "MemTotal:" && $2 ~ /^[0-9]+$/ { total = sprintf("%.0f", $2 * 1024) }
$1 == "MemAvailable:" && $2 ~ /^[0-9]+$/ { free = sprintf("%.0f", $2 * 1024) }
function said(value) { return value == "" ? "null" : value }
END { printf "\"load\":%s,\"memory_total\":%s,\"memory_free\":%s", said(load), said(total), said(free) }
'
# shellcheck disable=SC2016
gpu_awk='
function number(value, times) { return value ~ /^[0-9]+$/ ? sprintf("%.0f", value * times) : "null" }
NF == 3 && NR <= 64 {
    printf "%s{\"memory_used\":%s,\"memory_total\":%s,\"load\":%s}", comma,
        number($1, 1048576), number($2, 1048576), number($3, 1)
    comma = ","
}
'

# Sets gpus. A driver that hangs must not take the whole answer along, and may not even be killed: hence the file.
ask_gpus() {
    gpus=''
    command -v nvidia-smi >/dev/null 2>&1 && gpu_file=$(command mktemp "${TMPDIR:-/tmp}/nbssh.XXXXXX" 2>/dev/null) || return 0
    command nvidia-smi --query-gpu=memory.used,memory.total,utilization.gpu --format=csv,noheader,nounits \
        </dev/null >"${gpu_file}" 2>/dev/null &
    gpu_asked=$!
    now
    gpu_until=$((now_s + 5))
    while kill -0 "${gpu_asked}" 2>/dev/null; do
        now
        if [ "${now_s}" -ge "${gpu_until}" ]; then
            kill -KILL "${gpu_asked}" 2>/dev/null || :
            break
        fi
        nap
    done
    gpus=$(command awk -F ', *' "${gpu_awk}" "${gpu_file}" 2>/dev/null) || gpus=''
    command rm -f "${gpu_file}"
}

# Sets machine, in JSON.
ask_machine() {
    machine_cpus=$(command getconf _NPROCESSORS_ONLN 2>/dev/null) || machine_cpus=''
    case ${machine_cpus} in
    '' | *[!0-9]*) machine_cpus=null ;;
    *) ;;
    esac
    machine=$(command cat /proc/loadavg /proc/meminfo 2>/dev/null | command awk "${machine_awk}")
    ask_gpus
    machine="{\"cpus\":${machine_cpus},${machine},\"gpus\":[${gpus}]}"
}
