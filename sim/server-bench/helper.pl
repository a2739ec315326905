# The helper of a gateway: joins the simulated network to a Linux one by a TUN interface, and keeps the user's server.
#
#     perl helper.pl NAME ADDRESS NETMASK MTU [COMMAND ARGUMENT ...]
#
# It makes the interface NAME, or takes one that was made for this user; gives it ADDRESS, unless that is `-`; and relays IPv4 packets:
#   descriptor 0  packets for the interface, one after the other. Its end ends the helper, and with it all that it started.
#   descriptor 1  packets from the interface, one after the other: an IPv4 packet tells its own length.
#   descriptor 2  what the helper itself has to complain of.
#   descriptor 3  words, a line each, both ways:
#                 to it: `start`, `kill SIGNAL`, `look ADDRESS PORT SERVER-ADDRESS SERVER-PORT`, `closed`
#                 from it: `ready`, `fatal WHAT: WHY`, `started PID`, `cannot-start WHY`, `exit STATUS SIGNAL`,
#                 `look ADDRESS PORT gone`, or `closed` by its program, or `idle`: no timer runs, or MS until the socket's
#                 timer runs out, or `unknown`. `closed` asks for a line `look ADDRESS PORT closed` of each socket that was
#                 closed since the last question
#   descriptor 4  the standard output and standard error of COMMAND.
# Perl's base package has all it needs; helper.py says the same in Python.
use strict;
use warnings;
use Errno qw(EAGAIN EINTR);
use Fcntl qw(F_GETFL F_SETFL F_SETFD FD_CLOEXEC O_NONBLOCK O_RDWR);
use Socket qw(AF_INET SOCK_DGRAM inet_aton inet_ntoa);

my ($name, $address, $netmask, $mtu, @command) = @ARGV;

# linux/if_tun.h and linux/sockios.h.
use constant { TUNSETIFF => 0x400454ca, IFF_TUN => 0x0001, IFF_NO_PI => 0x1000 };
use constant { SIOCGIFFLAGS => 0x8913, SIOCSIFFLAGS => 0x8914, SIOCSIFADDR => 0x8916, SIOCSIFNETMASK => 0x891c };
use constant { SIOCSIFMTU => 0x8922, SIOCSIFTXQLEN => 0x8943, IFF_UP => 0x1, IFF_RUNNING => 0x40 };
# Packets that wait for Node at most: beyond, the interface's queue fills, and the kernel drops what does not fit, as any interface's does.
use constant WAITING_BYTES_MAX => 1 << 18;
use constant { READ_BYTES => 1 << 18, PACKET_BYTES_MAX => 1 << 16, PACKETS_A_TURN => 256 };

open(my $words, '+<&=', 3) or die "descriptor 3: $!\n";
open(my $output, '>&=', 4) or die "descriptor 4: $!\n";
# The server has none of ours.
fcntl($_, F_SETFD, FD_CLOEXEC) for $words, $output;

sub say_word {
  syswrite($words, "$_[0]\n");
}

sub fatal {
  say_word("fatal $_[0]: $!");
  exit 1;
}

# ---- the interface ----

sysopen(my $tun, '/dev/net/tun', O_RDWR) or fatal('/dev/net/tun');
ioctl($tun, TUNSETIFF, pack('a16 s x22', $name, IFF_TUN | IFF_NO_PI)) or fatal("interface $name");
fcntl($tun, F_SETFD, FD_CLOEXEC);

socket(my $socket, AF_INET, SOCK_DGRAM, 0) or fatal('socket');

sub set_address {
  my ($request, $text) = @_;
  ioctl($socket, $request, pack('a16 S n a4 x16', $name, AF_INET, 0, inet_aton($text))) or fatal("address $text");
}

sub bring_up {
  my ($interface) = @_;
  my $request = pack('a16 x24', $interface);
  ioctl($socket, SIOCGIFFLAGS, $request) or fatal("interface $interface");
  my $flags = unpack('x16 S', $request);
  ioctl($socket, SIOCSIFFLAGS, pack('a16 S x22', $interface, $flags | IFF_UP | IFF_RUNNING)) or fatal("interface $interface up");
}

if ($address ne '-') {
  # No router solicitations: nobody here speaks IPv6. Where /proc/sys is read-only they are left out below.
  if (open(my $ipv6, '>', "/proc/sys/net/ipv6/conf/$name/disable_ipv6")) {
    print $ipv6 '1';
    close($ipv6);
  }
  set_address(SIOCSIFADDR, $address);
  set_address(SIOCSIFNETMASK, $netmask);
  ioctl($socket, SIOCSIFMTU, pack('a16 l x20', $name, $mtu)) or fatal("MTU $mtu");
  # A burst of thousands of devices fits; refused to all but root, and then the default stays.
  ioctl($socket, SIOCSIFTXQLEN, pack('a16 l x20', $name, 10_000));
  bring_up($name);
}
# In a network namespace of its own the loopback interface is down, and every port may be anybody's.
if (@command) {
  bring_up('lo');
  if (open(my $first_port, '>', '/proc/sys/net/ipv4/ip_unprivileged_port_start')) {
    print $first_port '0';
    close($first_port);
  }
}

# ---- the server ----

my $server_pid = 0;

sub start_server {
  # The child's end of this pipe closes when exec succeeds ($^F): the reader then knows whether the command has started.
  pipe(my $failure, my $failure_of_child) or return say_word("cannot-start $!");
  my $pid = fork();
  return say_word("cannot-start $!") if !defined $pid;
  if ($pid == 0) {
    $SIG{CHLD} = 'DEFAULT';
    open(STDIN, '<', '/dev/null');
    open(STDOUT, '>&', $output);
    open(STDERR, '>&', $output);
    { no warnings 'exec'; exec { $command[0] } @command; }
    syswrite($failure_of_child, "$!");
    kill 'KILL', $$;
  }
  close($failure_of_child);
  my $why = readline($failure);
  close($failure);
  return say_word("cannot-start $why") if defined $why;
  $server_pid = $pid;
  say_word("started $pid");
}

# A process that has lost its parent is ours, too, as we are process 1 of our namespace.
sub reap {
  while ((my $pid = waitpid(-1, 1)) > 0) {
    next if $pid != $server_pid;
    $server_pid = 0;
    say_word('exit ' . ($? >> 8) . ' ' . ($? & 127));
  }
}

# The server, and all that it has started: everybody in our process namespace but us.
sub signal_server {
  my ($signal) = @_;
  if ($$ == 1) { kill($signal, -1) }
  elsif ($server_pid) { kill($signal, $server_pid) }
}

# ---- the server's sockets ----

# linux/sock_diag.h and linux/inet_diag.h: a question about one socket takes as long with one as with many.
use constant { AF_NETLINK => 16, SOCK_RAW => 3, NETLINK_SOCK_DIAG => 4, SOCK_DIAG_BY_FAMILY => 20, NLM_F_REQUEST => 1 };
use constant { NLM_F_DUMP => 0x300, NLMSG_ERROR => 2, NLMSG_DONE => 3, ENOENT => 2, ANY => 0xffffffff };
# include/net/tcp_states.h. FIN_WAIT1, LAST_ACK and CLOSING: its program has closed the socket, and no FIN was acknowledged.
use constant { TCP_TIME_WAIT => 6, TCP_LISTEN => 10, CLOSED_STATES => 1 << 4 | 1 << 9 | 1 << 11, AF_INET6 => 10 };

my $diag;
undef $diag if !socket($diag, AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
fcntl($diag, F_SETFD, FD_CLOEXEC) if $diag;

sub look {
  my ($address, $port, $server_address, $server_port) = @_;
  my $request = pack(
    'L S S L L  C C C C L  n n a4 x12 a4 x12 L L L',
    72, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 0, 0,
    AF_INET, 6, 0, 0, ANY,
    $server_port, $port, inet_aton($server_address), inet_aton($address), 0, ANY, ANY,
  );
  my $found = 'unknown';
  if ($diag && syswrite($diag, $request) && sysread($diag, my $answer, 8192)) {
    my ($type, $errno) = unpack('x4 S x10 l', $answer);
    if ($type == SOCK_DIAG_BY_FAMILY) {
      my ($state, $timer, $ms) = unpack('x17 C C x49 L', $answer);
      $found = $state == TCP_LISTEN || $state == TCP_TIME_WAIT ? 'gone' : CLOSED_STATES & 1 << $state ? 'closed' : $timer == 0 ? 'idle' : $ms;
    }
    $found = 'gone' if $type == NLMSG_ERROR && $errno == -ENOENT;
  }
  say_word("look $address $port $found");
}

# Sockets that were told of already: the kernel keeps one until its data is acknowledged, or for minutes.
my %told;

sub look_for_closed {
  my %closed;
  # Of a server that listens for IPv6, too, the sockets are of that family, with addresses that end in an IPv4 one.
  for my $family (AF_INET, AF_INET6) {
    my $request = pack(
      'L S S L L  C C C C L  x48',
      72, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 0, 0, $family, 6, 0, 0, CLOSED_STATES,
    );
    next if !$diag || !syswrite($diag, $request);
    my $is_done = 0;
    while (!$is_done && sysread($diag, my $answer, 1 << 16)) {
      while (length($answer) >= 16) {
        my ($bytes, $type) = unpack('L S', $answer);
        $is_done = $type != SOCK_DIAG_BY_FAMILY;
        last if $is_done || $bytes < 16;
        # Ports, addresses, interface and cookie, by which no two sockets are the same.
        my $socket = substr($answer, 20, 48);
        my ($port, $address) = unpack($family == AF_INET ? 'x2 n x16 a4' : 'x2 n x28 a4', $socket);
        say_word('look ' . inet_ntoa($address) . " $port closed") if !$told{$socket};
        $closed{$socket} = 1;
        substr($answer, 0, ($bytes + 3) & ~3) = '';
      }
    }
  }
  %told = %closed;
}

sub obey {
  my ($word, @arguments) = split(' ', $_[0]);
  if ($word eq 'start') { start_server() }
  elsif ($word eq 'kill') { signal_server(@arguments) }
  elsif ($word eq 'look') { look(@arguments) }
  elsif ($word eq 'closed') { look_for_closed() }
}

# ---- relaying ----

# It interrupts `select`, and the loop looks who it was.
$SIG{CHLD} = sub { };
$SIG{PIPE} = 'IGNORE';

for my $handle ($tun, \*STDIN, \*STDOUT) {
  fcntl($handle, F_SETFL, fcntl($handle, F_GETFL, 0) | O_NONBLOCK);
}

my ($from_node, $to_node, $said) = ('', '', '');

sub end {
  signal_server('KILL');
  exit 0;
}

sub read_interface {
  for (1 .. PACKETS_A_TURN) {
    my $at = length($to_node);
    my $count = sysread($tun, $to_node, PACKET_BYTES_MAX, $at);
    last if !$count;
    # IPv6, where it could not be switched off.
    substr($to_node, $at) = '' if ord(substr($to_node, $at, 1)) >> 4 != 4;
  }
}

sub write_node {
  my $count = syswrite(STDOUT, $to_node);
  if ($count) { substr($to_node, 0, $count) = '' }
  elsif (!$!{EAGAIN} && !$!{EINTR}) { end() }
}

sub read_node {
  my $count = sysread(STDIN, $from_node, READ_BYTES, length($from_node));
  end() if defined $count ? $count == 0 : !$!{EAGAIN} && !$!{EINTR};
  my ($at, $length) = (0, length($from_node));
  while ($length - $at >= 20) {
    my $bytes = unpack('n', substr($from_node, $at + 2, 2));
    last if $bytes > $length - $at;
    # What a packet does not tell the length of, nothing can follow.
    end() if $bytes < 20;
    # An interface that is down, or a packet that it does not like, is a packet lost.
    syswrite($tun, $from_node, $bytes, $at);
    $at += $bytes;
  }
  substr($from_node, 0, $at) = '';
}

sub read_words {
  my $count = sysread($words, $said, READ_BYTES, length($said));
  end() if defined $count ? $count == 0 : !$!{EINTR};
  obey($1) while $said =~ s/^(.*)\n//;
}

say_word('ready');
while (1) {
  my ($readable, $writable) = ('', '');
  vec($readable, 0, 1) = 1;
  vec($readable, fileno($words), 1) = 1;
  vec($readable, fileno($tun), 1) = 1 if length($to_node) < WAITING_BYTES_MAX;
  vec($writable, 1, 1) = 1 if length($to_node);
  # A child that ends just before this is heard of when it returns: so it does, now and then.
  my $count = select($readable, $writable, undef, 0.5);
  reap();
  next if $count < 0;
  read_node() if vec($readable, 0, 1);
  read_words() if vec($readable, fileno($words), 1);
  read_interface() if vec($readable, fileno($tun), 1);
  write_node() if length($to_node);
}
