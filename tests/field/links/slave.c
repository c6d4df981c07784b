/* A foreign Modbus TCP server made with libmodbus: registers 0 to 0x1FFF hold their own address, but for what is given
 * on the command line as address=value pairs. Prints its port, then serves one client after the other. */
#include <arpa/inet.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    modbus_t *context = modbus_new_tcp("127.0.0.1", 0);
    modbus_mapping_t *map = modbus_mapping_new(0, 0, 0x2000, 0);
    if (context == NULL || map == NULL) return 1;
    for (int place = 0; place < 0x2000; place++) map->tab_registers[place] = (uint16_t)place;
    for (int place = 1; place < argc; place++) {
        unsigned address, value;
        if (sscanf(argv[place], "%u=%u", &address, &value) == 2) map->tab_registers[address] = (uint16_t)value;
    }
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof name;
    if (bind(listener, (struct sockaddr *)&name, size) || listen(listener, 1)) return 1;
    getsockname(listener, (struct sockaddr *)&name, &size);
    printf("%d\n", ntohs(name.sin_port));
    fflush(stdout);
    for (;;) {
        uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
        if (modbus_tcp_accept(context, &listener) < 0) return 1;
        for (int length; (length = modbus_receive(context, request)) >= 0;)
            if (length > 0) modbus_reply(context, request, length, map);
        modbus_close(context);
    }
}
