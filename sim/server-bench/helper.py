# The helper of a gateway, where there is no Perl: what helper.pl says, and does, in Python 3 without any package.
#
#     python3 helper.py NAME ADDRESS NETMASK MTU [COMMAND ARGUMENT ...]
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import sys

name, address, netmask, mtu, *command = sys.argv[1:]

# linux/if_tun.h and linux/sockios.h.
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x8913, 0x8914, 0x8916, 0x891C
SIOCSIFMTU, SIOCSIFTXQLEN, IFF_UP, IFF_RUNNING = 0x8922, 0x8943, 0x1, 0x40
WAITING_BYTES_MAX, READ_BYTES, PACKET_BYTES_MAX, PACKETS_A_TURN = 1 << 18, 1 << 18, 1 << 16, 256
# linux/sock_diag.h and linux/inet_diag.h.
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, NLM_F_DUMP, NLMSG_ERROR = 4, 20, 1, 0x300, 2
# include/net/tcp_states.h. FIN_WAIT1, LAST_ACK and CLOSING: its program has closed the socket, and no FIN was acknowledged.
TCP_TIME_WAIT, TCP_LISTEN, ANY, CLOSED_STATES = 6, 10, 0xFFFFFFFF, 1 << 4 | 1 << 9 | 1 << 11

STDIN, STDOUT, WORDS, OUTPUT = 0, 1, 3, 4
for descriptor in (WORDS, OUTPUT):
    os.set_inheritable(descriptor, False)
words = socket.socket(fileno=WORDS)
words.setblocking(True)


def say(line):
    try:
        words.sendall(line.encode() + b"\n")
    except OSError:
        pass


def fatal(what, error):
    say(f"fatal {what}: {error.strerror}")
    sys.exit(1)


# ---- the interface ----

try:
    tun = os.open("/dev/net/tun", os.O_RDWR)
except OSError as error:
    fatal("/dev/net/tun", error)
try:
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
except OSError as error:
    fatal(f"interface {name}", error)
control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def set_address(request, text):
    try:
        packed = struct.pack("16sHH4s16x", name.encode(), socket.AF_INET, 0, socket.inet_aton(text))
        fcntl.ioctl(control, request, packed)
    except OSError as error:
        fatal(f"address {text}", error)


def bring_up(interface):
    try:
        answer = fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16s24x", interface.encode()))
        flags = struct.unpack("16xH22x", answer)[0] | IFF_UP | IFF_RUNNING
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH22x", interface.encode(), flags))
    except OSError as error:
        fatal(f"interface {interface} up", error)


if address != "-":
    try:
        with open(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "w") as ipv6:
            ipv6.write("1")
    except OSError:
        pass
    set_address(SIOCSIFADDR, address)
    set_address(SIOCSIFNETMASK, netmask)
    try:
        fcntl.ioctl(control, SIOCSIFMTU, struct.pack("16si20x", name.encode(), int(mtu)))
    except OSError as error:
        fatal(f"MTU {mtu}", error)
    try:
        fcntl.ioctl(control, SIOCSIFTXQLEN, struct.pack("16si20x", name.encode(), 10_000))
    except OSError:
        pass
    bring_up(name)
if command:
    bring_up("lo")
    try:
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", "w") as first_port:
            first_port.write("0")
    except OSError:
        pass

# ---- the server ----

server_pid = 0


def start_server():
    global server_pid
    # The child's end of this pipe closes when exec succeeds: the reader then knows whether the command has started.
    failure, failure_of_child = os.pipe()
    try:
        pid = os.fork()
    except OSError as error:
        os.close(failure)
        os.close(failure_of_child)
        return say(f"cannot-start {error.strerror}")
    if pid == 0:
        for number in (signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(OUTPUT, 1)
        os.dup2(OUTPUT, 2)
        try:
            os.execvp(command[0], command)
        except OSError as error:
            os.write(failure_of_child, error.strerror.encode())
            os.kill(os.getpid(), signal.SIGKILL)
    os.close(failure_of_child)
    why = os.read(failure, 4096).decode()
    os.close(failure)
    if why:
        return say(f"cannot-start {why}")
    server_pid = pid
    say(f"started {pid}")


def reap():
    global server_pid
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if pid == server_pid:
            server_pid = 0
            say(f"exit {status >> 8} {status & 127}")


def signal_server(number):
    try:
        if os.getpid() == 1:
            os.kill(-1, number)
        elif server_pid:
            os.kill(server_pid, number)
    except ProcessLookupError:
        pass


# ---- the server's sockets ----

try:
    diag = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)
except OSError:
    diag = None


def socket_of(address, port, server_address, server_port):
    request = struct.pack(
        "=LHHLL BBBBL", 72, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 0, 0, socket.AF_INET, 6, 0, 0, ANY
    ) + struct.pack("!HH4s12x4s12x", int(server_port), int(port), socket.inet_aton(server_address), socket.inet_aton(address))
    request += struct.pack("=LLL", 0, ANY, ANY)
    try:
        diag.send(request)
        answer = diag.recv(8192)
    except (OSError, AttributeError):
        return "unknown"
    kind, number = struct.unpack_from("=4xH10xi", answer)
    if kind == SOCK_DIAG_BY_FAMILY:
        state, timer, ms = struct.unpack_from("=17xBB49xL", answer)
        if state in (TCP_LISTEN, TCP_TIME_WAIT):
            return "gone"
        if CLOSED_STATES & 1 << state:
            return "closed"
        return ms if timer else "idle"
    return "gone" if kind == NLMSG_ERROR and number == -errno.ENOENT else "unknown"


# Sockets that were told of already: the kernel keeps one until its data is acknowledged, or for minutes.
told = set()


def look_for_closed():
    global told
    closed = set()
    # Of a server that listens for IPv6, too, the sockets are of that family, with addresses that end in an IPv4 one.
    for family, address_at in ((socket.AF_INET, 20), (socket.AF_INET6, 32)):
        request = struct.pack(
            "=LHHLL BBBBL 48x",
            72, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 0, 0, family, 6, 0, 0, CLOSED_STATES,
        )
        try:
            diag.send(request)
            is_done = False
            while not is_done:
                answer, at = diag.recv(1 << 16), 0
                while at < len(answer):
                    length, kind = struct.unpack_from("=LH", answer, at)
                    if kind != SOCK_DIAG_BY_FAMILY:
                        is_done = True
                        break
                    # Ports, addresses, interface and cookie, by which no two sockets are the same.
                    one = answer[at + 20 : at + 68]
                    if one not in told:
                        address = socket.inet_ntoa(one[address_at : address_at + 4])
                        say(f"look {address} {int.from_bytes(one[2:4], 'big')} closed")
                    closed.add(one)
                    at += (length + 3) & ~3
        except (OSError, AttributeError):
            pass
    told = closed


def obey(line):
    word, *arguments = line.split()
    if word == "start":
        start_server()
    elif word == "kill":
        signal_server(getattr(signal, "SIG" + arguments[0]))
    elif word == "look":
        say(f"look {arguments[0]} {arguments[1]} {socket_of(*arguments)}")
    elif word == "closed":
        look_for_closed()


# ---- relaying ----

signal.signal(signal.SIGCHLD, lambda number, frame: None)
signal.signal(signal.SIGPIPE, signal.SIG_IGN)
for descriptor in (tun, STDIN, STDOUT):
    os.set_blocking(descriptor, False)
from_node, to_node, said = bytearray(), bytearray(), bytearray()


def end():
    signal_server(signal.SIGKILL)
    os._exit(0)


def read_interface():
    for _ in range(PACKETS_A_TURN):
        try:
            packet = os.read(tun, PACKET_BYTES_MAX)
        except OSError:
            return
        if packet and packet[0] >> 4 == 4:
            to_node.extend(packet)


def write_node():
    try:
        del to_node[: os.write(STDOUT, to_node)]
    except BlockingIOError:
        pass
    except OSError:
        end()


def read_node():
    try:
        data = os.read(STDIN, READ_BYTES)
    except BlockingIOError:
        return
    if not data:
        end()
    from_node.extend(data)
    at = 0
    while len(from_node) - at >= 20:
        length = from_node[at + 2] << 8 | from_node[at + 3]
        if length < 20:
            end()
        if length > len(from_node) - at:
            break
        try:
            os.write(tun, from_node[at : at + length])
        except OSError:
            pass
        at += length
    del from_node[:at]


def read_words():
    data = words.recv(READ_BYTES)
    if not data:
        end()
    said.extend(data)
    *lines, rest = bytes(said).split(b"\n")
    said[:] = rest
    for line in lines:
        obey(line.decode())


say("ready")
while True:
    readers = [STDIN, WORDS] + ([tun] if len(to_node) < WAITING_BYTES_MAX else [])
    readable, _, _ = select.select(readers, [STDOUT] if to_node else [], [], 0.5)
    reap()
    if STDIN in readable:
        read_node()
    if WORDS in readable:
        read_words()
    if tun in readable:
        read_interface()
    if to_node:
        write_node()
