exec redis-server --bind 127.0.0.1 --port "$PORT0" --save ''
