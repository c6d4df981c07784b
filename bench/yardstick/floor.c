/* The floor of poll-cpu: one epoll thread in C, one question under way on each of N connections.
 * Arguments: port, connections, seconds, registers. Prints transactions and CPU seconds. */
#include "modbus.h"

#include <sys/resource.h>

static double cpu(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

int main(int argc, char **argv) {
    if (argc < 5) return 2;
    int port = atoi(argv[1]), connections = atoi(argv[2]), registers = atoi(argv[4]);
    double length = atof(argv[3]);
    int answer = 5 + 2 * registers;
    uint8_t questions[33][8];
    crc_prepare();
    for (int unit = 1; unit <= 32; unit++) {
        uint8_t question[8] = {(uint8_t)unit, 3, 2, 0, 0, (uint8_t)registers};
        seal(question, 6);
        memcpy(questions[unit], question, 8);
    }
    int poll = epoll_create1(0), *units = calloc(65536, sizeof(int));
    struct epoll_event event = {.events = EPOLLIN}, events[512];
    for (int place = 0; place < connections; place++) {
        int line = socket(AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in name = loopback(port);
        if (connect(line, (struct sockaddr *)&name, sizeof name)) return 1;
        no_delay(line);
        units[line] = 1;
        event.data.fd = line;
        epoll_ctl(poll, EPOLL_CTL_ADD, line, &event);
        send(line, questions[1], 8, 0);
    }
    double began = seconds(), began_cpu = 0;
    long done = 0, sum = 0;
    int warm = 0;
    for (;;) {
        int count = epoll_wait(poll, events, 512, 1000);
        double now = seconds();
        if (!warm && now - began > 0.2) {
            warm = 1;
            began = now;
            began_cpu = cpu();
            done = 0;
        }
        if (warm && now - began > length) break;
        for (int place = 0; place < count; place++) {
            int line = events[place].data.fd, unit = units[line];
            uint8_t bytes[512];
            ssize_t got = recv(line, bytes, sizeof bytes, 0);
            if (got != answer || bytes[0] != unit || bytes[1] != 3 || crc_of(bytes, answer)) return 1;
            for (int word = 0; word < registers; word++) sum += bytes[3 + 2 * word] << 8 | bytes[4 + 2 * word];
            units[line] = unit = unit % 32 + 1;
            send(line, questions[unit], 8, 0);
            done++;
        }
    }
    printf("%ld %.6f %ld\n", done, cpu() - began_cpu, sum);
    return 0;
}
