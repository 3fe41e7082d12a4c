PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
initdb --no-sync --auth trust data >initdb.log || exit
exec postgres -D data -h 127.0.0.1 -p "$PORT0" -c unix_socket_directories=
