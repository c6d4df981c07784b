/* A serial line with true character timing behind a pseudo terminal. Arguments: baud, turnaround in ms, seconds.
 * An answer appears one character after the other; a request that begins before 3.5 characters of silence have passed
 * is a breach. Prints the terminal's name, and at the end
 * answers, breaches, seconds from the first request to the last answer, and the seconds that these would take at best. */
#include "modbus.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <termios.h>

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    double baud = atof(argv[1]), turnaround = atof(argv[2]) / 1e3, length = atof(argv[3]);
    double character = 10 / baud, silence = baud > 19200 ? 0.00175 : 3.5 * 11 / baud;
    crc_prepare();
    prctl(PR_SET_TIMERSLACK, 1000);
    int line = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    grantpt(line);
    unlockpt(line);
    int keep = open(ptsname(line), O_RDWR | O_NOCTTY);
    struct termios mode;
    tcgetattr(keep, &mode);
    cfmakeraw(&mode);
    tcsetattr(keep, TCSANOW, &mode);
    printf("%s\n", ptsname(line));
    fflush(stdout);
    int poll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN}, events[4];
    epoll_ctl(poll, EPOLL_CTL_ADD, line, &event);
    uint8_t request[64], answer[300];
    int held = 0, total = 0, sent = 0;
    long answers = 0, breaches = 0;
    double quiet_since = 0, next = 0, first = 0, last = 0, ideal = 0, end = seconds() + length;
    while (seconds() < end) {
        double now = seconds();
        while (total && next <= now) {
            if (write(line, answer + sent, 1) != 1) perror("write");
            sent++;
            quiet_since = next;
            next += character;
            if (sent == total) {
                total = 0;
                /* the shortest that this exchange can take: request, silence, thinking, answer, silence */
                if (answers) ideal += silence;
                ideal += (8 + sent) * character + silence + turnaround;
                answers++;
                last = quiet_since;
            }
        }
        double wait = (total ? next : now + 0.1) - now;
        struct timespec until = {(time_t)wait, (long)((wait - (double)(time_t)wait) * 1e9)};
        if (epoll_pwait2(poll, events, 4, &until, NULL) <= 0) continue;
        ssize_t got = read(line, request + held, sizeof request - (size_t)held);
        if (got <= 0) continue;
        now = seconds();
        if (held == 0) {
            if (!first) first = now;
            if (total || (quiet_since > 0 && now < quiet_since + silence)) breaches++;
        }
        held += (int)got;
        if (held < 8) continue;
        held = 0;
        if (crc_of(request, 8)) continue;
        total = answer_to(request, answer);
        sent = 0;
        /* the request itself takes its characters; then the meter waits for silence and thinks */
        next = now + 8 * character + silence + turnaround + character;
    }
    printf("%ld %ld %.6f %.6f\n", answers, breaches, last - first, ideal);
    return 0;
}
