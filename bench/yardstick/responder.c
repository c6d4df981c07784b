/* Answers Modbus RTU over TCP as fast as it can: the other side of poll-cpu. Prints its port, then serves. */
#include "modbus.h"

typedef struct {
    int held;
    uint8_t bytes[512];
} caller;

static caller *callers[65536];
static uint8_t ready[256][260];
static int ready_length[256], ready_count[256];

/* answers are made once for each unit: the responder must not be what is measured */
static int prepared(const uint8_t *request, uint8_t *out) {
    int unit = request[0], count = request[4] << 8 | request[5];
    if (ready_count[unit] != count) {
        ready_length[unit] = answer_to(request, ready[unit]);
        ready_count[unit] = count;
    }
    memcpy(out, ready[unit], (size_t)ready_length[unit]);
    return ready_length[unit];
}

static void serve(int socket) {
    caller *from = callers[socket];
    ssize_t got = recv(socket, from->bytes + from->held, sizeof from->bytes - (size_t)from->held, 0);
    if (got <= 0) {
        if (got < 0 && errno == EAGAIN) return;
        close(socket);
        free(from);
        callers[socket] = NULL;
        return;
    }
    from->held += (int)got;
    uint8_t out[4096];
    int length = 0, used = 0;
    while (from->held - used >= 8 && length < 3000) {
        length += prepared(from->bytes + used, out + length);
        used += 8;
    }
    memmove(from->bytes, from->bytes + used, (size_t)(from->held - used));
    from->held -= used;
    if (length && send(socket, out, (size_t)length, MSG_NOSIGNAL) != length) perror("short send");
}

int main(void) {
    crc_prepare();
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in name = loopback(0);
    socklen_t size = sizeof name;
    if (bind(listener, (struct sockaddr *)&name, size) || listen(listener, 4096)) return 1;
    getsockname(listener, (struct sockaddr *)&name, &size);
    printf("%d\n", ntohs(name.sin_port));
    fflush(stdout);
    int poll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[512];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(poll, events, 512, -1);
        for (int place = 0; place < count; place++) {
            int socket = events[place].data.fd;
            if (socket != listener) {
                serve(socket);
                continue;
            }
            while ((socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                no_delay(socket);
                callers[socket] = calloc(1, sizeof(caller));
                event.data.fd = socket;
                epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event);
            }
        }
    }
}
