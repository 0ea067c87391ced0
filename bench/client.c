/* How fast could a sender be? A bare client that writes the requests which Vestnik writes, and nothing else.
 *
 *     cc -O2 -o client client.c && ./client PORT CONNECTIONS COUNT FIRST_ID TEXT
 *
 * One epoll thread; each connection sends its next message when the answer to the last has come. No answer is
 * read beyond its arrival. Prints one line of JSON: {"seconds":…,"rate":…,"cpu_us":…}, the CPU time per message.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 256
#define HEAD \
    "POST /v1/send/%ld HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n" \
    "Authorization: Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3.abc\r\n" \
    "Content-Type: application/json\r\nAccept: application/json\r\nContent-Length: %d\r\n\r\n%s"

static long next_id;
static const char *text;

static double seconds(clockid_t which) {
    struct timespec now;
    clock_gettime(which, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void send_next(int fd) {
    char request[4096], body[2048];
    long id = next_id++;
    int length = snprintf(body, sizeof body, "{\"id\":%ld,\"phone\":79990001122,\"text\":\"%s\"}", id, text);
    length = snprintf(request, sizeof request, HEAD, id, length, body);
    if (send(fd, request, length, MSG_NOSIGNAL) != length) fail("send");
}

static int connect_to(int port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(fd, (void *)&address, sizeof address)) fail("connect");
    setsockopt(fd, SOL_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

int main(int count, char **words) {
    if (count < 6) { fprintf(stderr, "usage: client PORT CONNECTIONS COUNT FIRST_ID TEXT\n"); return 2; }
    int connections = atoi(words[2]), epoll = epoll_create1(0);
    long messages = atol(words[3]), first_id = atol(words[4]), answered = 0;
    next_id = first_id;
    text = words[5];
    double started = seconds(CLOCK_MONOTONIC);
    for (int each = 0; each < connections && next_id - first_id < messages; each++) {
        int fd = connect_to(atoi(words[1]));
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        send_next(fd);
    }
    struct epoll_event events[EVENTS];
    char answer[8192];
    while (answered < messages) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int each = 0; each < ready; each++) {
            if (recv(events[each].data.fd, answer, sizeof answer, 0) <= 0) fail("recv");
            answered++;
            if (next_id - first_id < messages) send_next(events[each].data.fd);
        }
    }
    double wall = seconds(CLOCK_MONOTONIC) - started, cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    printf("{\"seconds\":%.4f,\"rate\":%.0f,\"cpu_us\":%.2f}\n", wall, messages / wall, cpu / messages * 1e6);
}
