# Connects to a socket, writes a line and waits until the other side closes. ssh-add does so too, once it has asked for an
# answer that Jupyter never gives; but it does not say when it is connected.
hold() {
    if has perl; then
        unset PERL5OPT PERL_UNICODE
        perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0) and connect(S, pack_sockaddr_un($ARGV[0])) and syswrite(STDOUT, "\n") and sysread(S, $_, 1)' "$1"
    elif has python3; then
        python3 -I -S -c 'import os, socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); os.write(1, b"\n"); s.recv(1)' "$1"
    else
        { sleep 0.2 || sleep 1; } 2>/dev/null && echo &
        SSH_AUTH_SOCK=$1 ssh-add -l >/dev/null
    fi
}

# ssh does not end while a connection is open that it forwards. So one is held through the kill alias's own forward: it
# ends with Jupyter, or at once where none listens. Where neither comes, a shell that took the place of our command may
# have ended with 0, and ssh is ended, with 255.
hold_stop() {
    end=${0%/*}/$name.end
    ssh=$PPID
    {
        (
            trap '' HUP INT QUIT
            # more than the 18 s that a kill may take over there
            sleep 20 >/dev/null 2>&1 &
            timer=$!
            {
                hold "$end" || : # as ssh-add ends
                kill "$timer"
            } 2>/dev/null &
            exec >/dev/null
            if { wait "$timer"; } 2>/dev/null; then
                printf '%s\n' "nbssh: error: nothing over there confirmed that '$name' is stopped: its end of the tunnel is open" \
                    "nbssh: hint: does a rc file there start another shell for commands, or take long? nbssh doctor $name" >&2
                kill "$ssh"
            fi
        ) </dev/null &
    } | read -r _ || : # it is to be connected before the first byte flows
    rm -f "$end"
}
