# Leaves its terminal, as many servers do: the task is who waits beside it, and the check sees it end.
memcached -d -u nobody -l 127.0.0.1 -p "$PORT0" || exit
exec sleep infinity
