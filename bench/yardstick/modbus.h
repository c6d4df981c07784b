/* What the yardsticks share: CRC, clock, a loopback listener that tells its port, and an answer to a read. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static uint16_t crc_table[256];

static inline void crc_prepare(void) {
    for (int byte = 0; byte < 256; byte++) {
        uint16_t value = (uint16_t)byte;
        for (int bit = 0; bit < 8; bit++) value = value & 1 ? (uint16_t)(value >> 1 ^ 0xA001) : value >> 1;
        crc_table[byte] = value;
    }
}

/* 0 for a frame with its CRC behind it */
static inline uint16_t crc_of(const uint8_t *data, int length) {
    uint16_t value = 0xFFFF;
    while (length--) value = (uint16_t)(value >> 8) ^ crc_table[(value ^ *data++) & 0xFF];
    return value;
}

static inline int seal(uint8_t *frame, int length) {
    uint16_t check = crc_of(frame, length);
    frame[length] = check & 0xFF;
    frame[length + 1] = check >> 8;
    return length + 2;
}

/* the answer to a read of holding registers: register i holds i and the unit */
static inline int answer_to(const uint8_t *request, uint8_t *answer) {
    int count = request[4] << 8 | request[5];
    answer[0] = request[0];
    answer[1] = 3;
    answer[2] = (uint8_t)(2 * count);
    for (int place = 0; place < count; place++) {
        answer[3 + 2 * place] = (uint8_t)place;
        answer[4 + 2 * place] = request[0];
    }
    return seal(answer, 3 + 2 * count);
}

static inline double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static inline struct sockaddr_in loopback(int port) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return name;
}

static inline void no_delay(int socket) {
    int one = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}
