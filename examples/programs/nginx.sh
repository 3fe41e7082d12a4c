cat >nginx.conf <<END
daemon off;
pid nginx.pid;
error_log stderr;
worker_processes 1;
events {}
http {
  access_log off;
  server {
    listen 127.0.0.1:$PORT0;
    location / { return 200 "hello from $BOURSE_TASK_ID\n"; }
  }
}
END
exec nginx -e stderr -p . -c nginx.conf
