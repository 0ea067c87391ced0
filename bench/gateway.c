/* How fast could a gateway be? One epoll thread on the loopback, so that the sender is what is measured.
 *
 *     cc -O2 -o gateway gateway.c && ./gateway PORT [LATENCY_MS]
 *
 *     POST /v1/send/{id}   {"code":0,"message":"OK"}, after LATENCY_MS
 *     GET  /stats          what has arrived since the last reset (see answer_question)
 *     GET  /reset          forget it
 *     GET  /latency/{ms}   answer later from now on
 *
 * It remembers every id, so a run can be told wrong that sends one twice or leaves one out. It has no faults to
 * order: `flask gateway` has those.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MOST_CONNECTIONS 65536
#define BUFFER_BYTES 8192
#define EVENTS 512
#define FIRST_TABLE (1u << 20)
/* Answers that may wait at once: far more than there can be connections. */
#define LATE_ANSWERS (1u << 20)

static const char ACCEPTED[] =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 25\r\n\r\n{\"code\":0,\"message\":\"OK\"}";

/* `generation` tells a late answer whether its connection is still the same one. */
typedef struct { char *buffer; int length; uint32_t generation; } Connection;
typedef struct { double at; int fd; uint32_t generation; } LateAnswer;

static Connection connections[MOST_CONNECTIONS];
static LateAnswer *late;
static uint64_t late_head, late_tail;
static double latency_ms;

/* ---- What has been seen ------------------------------------------------------------------------------------ */

static uint64_t total, repeats, bad, unauthorised, opened;
static int64_t open_now, open_peak, in_flight, in_flight_peak;
static double first_at, last_at;

/* An open-addressing set of ids; zero is an empty cell, and no message has that number. */
static uint64_t *table, table_mask, distinct;

static uint64_t cell_of(uint64_t id) { return (id * 0x9E3779B97F4A7C15ull) >> 32 & table_mask; }

static void put(uint64_t id) {
    uint64_t at = cell_of(id);
    while (table[at]) at = (at + 1) & table_mask;
    table[at] = id;
}

static void empty_table(uint64_t cells) {
    free(table);
    table = calloc(cells, sizeof *table);
    table_mask = cells - 1;
    distinct = 0;
}

static void grow_table(void) {
    uint64_t *old = table, cells = table_mask + 1;
    table = calloc(cells * 2, sizeof *table);
    table_mask = cells * 2 - 1;
    for (uint64_t at = 0; at < cells; at++) if (old[at]) put(old[at]);
    free(old);
}

/* Zero if this id has come before. */
static int is_new(uint64_t id) {
    for (uint64_t at = cell_of(id); table[at]; at = (at + 1) & table_mask) if (table[at] == id) return 0;
    put(id);
    if (++distinct * 2 > table_mask) grow_table();
    return 1;
}

static double seconds(clockid_t which) {
    struct timespec now;
    clock_gettime(which, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static void reset(void) {
    total = repeats = bad = unauthorised = opened = 0;
    open_peak = open_now;
    in_flight_peak = in_flight;
    first_at = last_at = 0;
    empty_table(FIRST_TABLE);
}

/* ---- Requests ---------------------------------------------------------------------------------------------- */

static void say(int fd, const char *text, size_t length) {
    ssize_t sent = send(fd, text, length, MSG_NOSIGNAL);
    (void)sent; /* whoever has gone does not need the answer */
}

static void answer_later(int fd) {
    late[late_tail++ % LATE_ANSWERS] =
        (LateAnswer){seconds(CLOCK_MONOTONIC) * 1e3 + latency_ms, fd, connections[fd].generation};
    if (++in_flight > in_flight_peak) in_flight_peak = in_flight;
}

/* The body must be JSON that begins with the id that the address names. */
static int names(const char *body, int length, uint64_t id) {
    if (length < 10 || memcmp(body, "{\"id\":", 6)) return 0;
    body += 6;
    while (*body == ' ') body++;
    return strtoull(body, NULL, 10) == id;
}

static void take_message(int fd, const char *address, const char *body, int body_length, int has_token) {
    uint64_t id = strtoull(address, NULL, 10);
    last_at = seconds(CLOCK_REALTIME);
    if (!total++) first_at = last_at;
    if (!has_token) unauthorised++;
    if (!names(body, body_length, id)) bad++;
    else if (!is_new(id)) repeats++;
    if (latency_ms > 0) answer_later(fd);
    else say(fd, ACCEPTED, sizeof ACCEPTED - 1);
}

/* first_at and last_at: seconds since 1970 of the first and the last message that arrived, 0 before. */
static void answer_question(int fd, const char *request) {
    char body[512], answer[1024];
    if (!memcmp(request, "GET /reset", 10)) reset();
    if (!memcmp(request, "GET /latency/", 13)) latency_ms = atof(request + 13);
    int length = snprintf(body, sizeof body,
        "{\"total\":%lu,\"distinct\":%lu,\"repeats\":%lu,\"bad\":%lu,\"unauthorised\":%lu,\"opened\":%lu,"
        "\"open_peak\":%ld,\"in_flight_peak\":%ld,\"latency_ms\":%g,\"first_at\":%.6f,\"last_at\":%.6f}",
        total, distinct, repeats, bad, unauthorised, opened, open_peak, in_flight_peak, latency_ms, first_at, last_at);
    length = snprintf(answer, sizeof answer,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", length, body);
    say(fd, answer, length);
}

/* Bytes consumed; 0 while the request is incomplete. */
static int handle(int fd, const char *request, int length) {
    const char *end = memmem(request, length, "\r\n\r\n", 4);
    if (!end) return 0;
    int head = end - request + 4, body = 0, has_token = 0;
    for (const char *line = request; line < end;) {
        const char *next = memchr(line, '\r', end - line + 1);
        if (next - line > 15 && !strncasecmp(line, "content-length:", 15)) body = atoi(line + 15);
        else if (next - line > 14 && !strncasecmp(line, "authorization:", 14)) has_token = 1;
        line = next + 2;
    }
    if (length < head + body) return 0;
    if (!memcmp(request, "POST /v1/send/", 14)) take_message(fd, request + 14, request + head, body, has_token);
    else answer_question(fd, request);
    return head + body;
}

/* ---- Connections ------------------------------------------------------------------------------------------- */

static void watch(int epoll, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void take_connections(int epoll, int listener) {
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (fd >= MOST_CONNECTIONS) { close(fd); continue; }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (!connections[fd].buffer) connections[fd].buffer = malloc(BUFFER_BYTES + 1);
        connections[fd].length = 0;
        opened++;
        if (++open_now > open_peak) open_peak = open_now;
        watch(epoll, fd);
    }
}

static void drop(int fd) {
    close(fd);
    connections[fd].generation++;
    open_now--;
}

static void hear(int fd) {
    Connection *from = &connections[fd];
    ssize_t received = recv(fd, from->buffer + from->length, BUFFER_BYTES - from->length, 0);
    if (received < 0 && errno == EAGAIN) return;
    if (received <= 0) { drop(fd); return; }
    from->length += received;
    from->buffer[from->length] = 0; /* numbers are read up to what is none */
    int done = 0, used;
    while (done < from->length && (used = handle(fd, from->buffer + done, from->length - done)) > 0) done += used;
    if (done) {
        memmove(from->buffer, from->buffer + done, from->length - done);
        from->length -= done;
    } else if (from->length == BUFFER_BYTES) drop(fd);
}

/* All wait equally long, so the oldest is always the next. */
static void give_late_answers(void) {
    double now = seconds(CLOCK_MONOTONIC) * 1e3 + 0.05;
    while (late_head != late_tail && late[late_head % LATE_ANSWERS].at <= now) {
        LateAnswer *next = &late[late_head++ % LATE_ANSWERS];
        in_flight--;
        if (connections[next->fd].generation == next->generation) say(next->fd, ACCEPTED, sizeof ACCEPTED - 1);
    }
}

static void set_alarm(int timer) {
    double ms = late[late_head % LATE_ANSWERS].at - seconds(CLOCK_MONOTONIC) * 1e3;
    if (ms < 0.02) ms = 0.02;
    struct itimerspec when = {.it_value = {(time_t)(ms / 1e3), (long)((ms - (time_t)(ms / 1e3) * 1e3) * 1e6)}};
    timerfd_settime(timer, 0, &when, NULL);
}

static int listen_at(int port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) { perror("gateway"); exit(1); }
    return listener;
}

int main(int count, char **words) {
    if (count < 2) { fprintf(stderr, "usage: gateway PORT [LATENCY_MS]\n"); return 2; }
    latency_ms = count > 2 ? atof(words[2]) : 0;
    late = malloc(LATE_ANSWERS * sizeof *late);
    reset();
    int listener = listen_at(atoi(words[1])), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    int epoll = epoll_create1(0);
    watch(epoll, listener);
    watch(epoll, timer);
    struct epoll_event events[EVENTS];
    for (;;) {
        if (late_head != late_tail) set_alarm(timer);
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int each = 0; each < ready; each++) {
            int fd = events[each].data.fd;
            uint64_t rings;
            if (fd == listener) take_connections(epoll, listener);
            else if (fd == timer) { if (read(timer, &rings, sizeof rings) < 0 && errno != EAGAIN) return 1; }
            else hear(fd);
        }
        give_late_answers();
    }
}
