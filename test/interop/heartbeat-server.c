/*
 * The server of the heartbeat pair as a C programmer on x86 writes it, with one client: it reads heads of two ints into a
 * struct, counts scans without a beat, and closes the client whose count has reached the limit. It prints what it reads.
 * Usage: heartbeat-server SCAN_MS LIMIT ANSWERS; prints its port first.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct head {
    int type;
    int length;
};

static long now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Reads exactly so many bytes; 0 when the client has closed. */
static int read_all(int fd, void *into, int bytes) {
    int got = 0;
    while (got < bytes) {
        int n = read(fd, (char *)into + got, bytes - got);
        if (n <= 0) return n;
        got += n;
    }
    return got;
}

int main(int argc, char **argv) {
    long scan_ms = argc > 1 ? atol(argv[1]) : 3000;
    int limit = argc > 2 ? atoi(argv[2]) : 5;
    int answers = argc > 3 ? atoi(argv[3]) : 0;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_bytes = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    bind(listener, (struct sockaddr *)&address, sizeof address);
    listen(listener, 5);
    getsockname(listener, (struct sockaddr *)&address, &address_bytes);
    printf("port %d\n", ntohs(address.sin_port));

    for (;;) {
        int client = accept(listener, NULL, NULL);
        int count = 0, open = 1;
        long next_scan = now_ms() + scan_ms;
        printf("accepted\n");
        while (open) {
            long wait = next_scan - now_ms();
            struct pollfd ready = {.fd = client, .events = POLLIN};
            if (wait > 0 && poll(&ready, 1, (int)wait) > 0) {
                struct head head;
                static char data[65536];
                int n = read_all(client, &head, sizeof head);
                if (n <= 0) {
                    printf(n == 0 ? "closed\n" : "error %s\n", strerror(errno));
                    open = 0;
                } else if (head.type == 0) {
                    count = 0;
                    printf("HEART length %d\n", head.length);
                    if (answers && write(client, &head, sizeof head) < 0) printf("error %s\n", strerror(errno));
                } else if (head.type == 1 && head.length >= 0 && head.length <= (int)sizeof data) {
                    read_all(client, data, head.length);
                    printf("OTHER length %d\n", head.length);
                } else {
                    printf("BAD type %d length %d\n", head.type, head.length);
                    open = 0;
                }
            }
            if (now_ms() >= next_scan) {
                next_scan += scan_ms;
                if (count >= limit) {
                    printf("silent\n");
                    open = 0;
                } else {
                    count++;
                }
            }
        }
        close(client);
    }
}
