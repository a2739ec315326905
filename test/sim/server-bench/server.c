/* A server in C that knows nothing of Cablepull: it reads, says nothing, has SO_KEEPALIVE with 3/3/3, and prints who comes and who goes. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS_MAX = 256 };

static struct pollfd fds[1 + CLIENTS_MAX];
static struct sockaddr_in peers[1 + CLIENTS_MAX];

static void set(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof value) != 0) exit(1);
}

int main(int argc, char **argv)
{
	struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 0) };
	int count = 1, i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	fds[0].fd = socket(AF_INET, SOCK_STREAM, 0);
	fds[0].events = POLLIN;
	set(fds[0].fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(fds[0].fd, (struct sockaddr *)&local, sizeof local) != 0 || listen(fds[0].fd, 128) != 0) return 1;
	puts("listening");
	while (poll(fds, count, -1) > 0) {
		if (fds[0].revents != 0 && count <= CLIENTS_MAX) {
			socklen_t length = sizeof peers[0];
			int fd = accept(fds[0].fd, (struct sockaddr *)&peers[count], &length);
			set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
			set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 3);
			set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 3);
			set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
			printf("online %s:%d\n", inet_ntoa(peers[count].sin_addr), ntohs(peers[count].sin_port));
			fds[count].fd = fd;
			fds[count++].events = POLLIN;
			continue;
		}
		for (i = 1; i < count; i++) {
			char buffer[4096];
			if (fds[i].revents == 0) continue;
			ssize_t bytes = read(fds[i].fd, buffer, sizeof buffer);
			if (bytes > 0) continue;
			printf("offline %s:%d %s\n", inet_ntoa(peers[i].sin_addr), ntohs(peers[i].sin_port),
				bytes == 0 ? "closed" : errno == ETIMEDOUT ? "ETIMEDOUT" : errno == ECONNRESET ? "ECONNRESET" : strerror(errno));
			close(fds[i].fd);
			fds[i] = fds[--count];
			peers[i] = peers[count];
			break;
		}
	}
	return 0;
}
