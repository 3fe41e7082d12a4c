/** What is run around runc(8): perl is on every Debian and can ask the kernel what no shell can. */

/** Numbers of system calls: mount, unshare, prctl. */
export const SYSTEM_CALLS: Readonly<Partial<Record<NodeJS.Architecture, string>>> = {
  x64: '165 272 157',
  arm64: '40 97 167',
}

/**
 * `NUMBERS run|check PID_FILE RUNC…`. The file is there when runc has started the task: a check,
 * which may come before, waits for that as long as it may take.
 *
 * runc makes cgroups of its own, below those in which it runs and in all other hierarchies, and
 * nobody would remove them after a SIGKILL. Told to be without rights (`--rootless=true`) it goes
 * on without where they are read-only, so for it alone they are made so.
 *
 * runc starts the task and ends. Orphans come to who asks for them (PR_SET_CHILD_SUBREAPER), so the
 * task's end is seen here and this ends in the same way: runc itself says 128 and the number of a
 * signal, as if that were an exit code, and hands on a SIGTERM that the task has got already.
 */
export const AROUND_RUNC = String.raw`
my ($numbers, $what, $pid_file, @runc) = @ARGV;
my ($mount, $unshare, $prctl) = map { $_ + 0 } split / /, $numbers;
my ($none, $root) = ('none', '/');
sub fail { print STDERR "$_[0]: $!\n"; exit 125 }
syscall($unshare, 0x20000) == 0 or fail('it has no mounts of its own');
syscall($mount, $none, $root, 0, 0x84000, 0) == 0 or fail('its mounts are not its own');
open my $file, '<', '/proc/self/mountinfo' or fail('its mounts are not known');
my @places = grep { m{^/sys/fs/cgroup(?:/|$)} } map { (split / /)[4] } <$file>;
close $file;
for my $place (@places) {
  syscall($mount, $none, $place, 0, 0x1021, 0) == 0 or fail("$place is not read-only");
}
if ($what eq 'check') {
  select undef, undef, undef, 0.01 until -s $pid_file;
  exec { $runc[0] } @runc;
  fail($runc[0]);
}
syscall($prctl, 36, 1, 0, 0, 0) == 0 or fail('it adopts no processes');
$SIG{$_} = sub {} for qw(TERM HUP INT QUIT USR1 USR2);
sub as {
  my ($status) = @_;
  my $signal = $status & 127;
  exit($status >> 8) unless $signal;
  $SIG{$_} = 'DEFAULT' for qw(TERM HUP INT QUIT USR1 USR2);
  kill $signal, $$;
  sleep 1;
  exit 128 + $signal;
}
my $runc = system { $runc[0] } @runc;
fail($runc[0]) if $runc == -1;
as($runc) if $runc;
open my $pids, '<', $pid_file or fail($pid_file);
my $task = <$pids> + 0;
close $pids;
while (1) {
  my $ended = waitpid(-1, 0);
  as($?) if $ended == $task;
  fail('its process is not there') if $ended < 0 && $! != 4;
}
`
