/* Gateways with true wire timing: every connection is a line of its own that answers when the wire would have.
 * Arguments: baud, least and most turnaround in ms, seconds from the first request that are not counted. Prints its
 * port, then serves until something comes on its input; at the end prints lines, answers, the sum over lines of the
 * seconds from a line's first to its last answer, the seconds that these would take at best, and how many answers left
 * more than a millisecond late: those are this program's own.
 * A transparent gateway keeps the silence itself: a request waits until 3.5 characters after the last answer. */
#include "modbus.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum { MOST = 8192 };

typedef struct {
    int held, length, counted;
    double first, due, free_at, last, ideal;
    long answers;
    uint8_t bytes[64], answer[300];
} line_of;

static line_of *lines[MOST];
static int heap[MOST], waiting;
static long late;

static double due_of(int place) { return lines[heap[place]]->due; }

static void swap(int one, int other) {
    int kept = heap[one];
    heap[one] = heap[other];
    heap[other] = kept;
}

static void enter(int socket) {
    int place = waiting++;
    heap[place] = socket;
    while (place && due_of(place) < due_of((place - 1) / 2)) {
        swap(place, (place - 1) / 2);
        place = (place - 1) / 2;
    }
}

static int leave(void) {
    int first = heap[0], place = 0;
    heap[0] = heap[--waiting];
    for (;;) {
        int child = 2 * place + 1;
        if (child >= waiting) return first;
        if (child + 1 < waiting && due_of(child + 1) < due_of(child)) child++;
        if (due_of(place) <= due_of(child)) return first;
        swap(place, child);
        place = child;
    }
}

int main(int argc, char **argv) {
    if (argc < 5) return 2;
    double baud = atof(argv[1]), least = atof(argv[2]) / 1e3, most = atof(argv[3]) / 1e3, warm = atof(argv[4]), mark = 0;
    double character = 10 / baud, silence = baud > 19200 ? 0.00175 : 3.5 * 11 / baud;
    crc_prepare();
    srand(7);
    prctl(PR_SET_TIMERSLACK, 1000);
    struct rlimit files = {MOST, MOST};
    setrlimit(RLIMIT_NOFILE, &files);
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
    event.data.fd = 0;
    epoll_ctl(poll, EPOLL_CTL_ADD, 0, &event);
    for (int over = 0; !over;) {
        double now = seconds();
        while (waiting && due_of(0) <= now) {
            int socket = leave();
            line_of *line = lines[socket];
            if (line->counted && now - line->due > 0.001) late++;
            line->last = line->due;
            line->free_at = line->due + silence;
            send(socket, line->answer, (size_t)line->length, MSG_NOSIGNAL);
            line->length = 0;
        }
        double wait = waiting ? due_of(0) - now : 0.1;
        struct timespec until = {(time_t)wait, (long)((wait - (double)(time_t)wait) * 1e9)};
        int count = epoll_pwait2(poll, events, 512, &until, NULL);
        for (int place = 0; place < count; place++) {
            int socket = events[place].data.fd;
            if (socket == 0) {
                over = 1;
                continue;
            }
            if (socket == listener) {
                while ((socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    if (socket >= MOST) return 1;
                    no_delay(socket);
                    lines[socket] = calloc(1, sizeof(line_of));
                    event.data.fd = socket;
                    epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event);
                }
                continue;
            }
            line_of *line = lines[socket];
            ssize_t got = recv(socket, line->bytes + line->held, sizeof line->bytes - (size_t)line->held, 0);
            if (got <= 0) {
                if (got == 0) epoll_ctl(poll, EPOLL_CTL_DEL, socket, NULL);
                continue;
            }
            line->held += (int)got;
            if (line->held < 8 || line->length) continue;
            line->held = 0;
            if (crc_of(line->bytes, 8)) continue;
            double came = seconds(), begin = came > line->free_at ? came : line->free_at;
            double thinking = least + (most - least) * (rand() / (double)RAND_MAX);
            line->length = answer_to(line->bytes, line->answer);
            double took = (8 + line->length) * character + silence + thinking;
            line->due = begin + took;
            /* the shortest that this exchange can take: silence after the one before, request, silence, answer */
            if (!mark) mark = came + warm;
            if (line->last && came >= mark) {
                if (!line->counted) line->first = line->last;
                line->counted = 1;
                line->ideal += silence + took;
                line->answers++;
            }
            enter(socket);
        }
    }
    long number = 0, answers = 0;
    double took = 0, ideal = 0;
    for (int socket = 0; socket < MOST; socket++) {
        line_of *line = lines[socket];
        if (!line || !line->answers) continue;
        number++;
        answers += line->answers;
        took += (line->length ? line->due : line->last) - line->first;
        ideal += line->ideal;
    }
    printf("%ld %ld %.6f %.6f %ld\n", number, answers, took, ideal, late);
    return 0;
}
