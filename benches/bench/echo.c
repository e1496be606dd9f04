/* The limit for a server of small requests: epoll, one thread, writes back what it read. "echo PATH" or "echo :PORT" on 127.0.0.1. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_at(const char *at)
{
    struct sockaddr_un local = { .sun_family = AF_UNIX };
    struct sockaddr_in inet = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int tcp = at[0] == ':', on = 1;
    int fd = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM, 0);
    if (tcp) {
        inet.sin_port = htons(atoi(at + 1));
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    } else {
        strncpy(local.sun_path, at, sizeof local.sun_path - 1);
    }
    if (bind(fd, tcp ? (void *)&inet : (void *)&local, tcp ? sizeof inet : sizeof local) || listen(fd, 1024)) {
        perror(at);
        exit(1);
    }
    return fd;
}

int main(int argc, char **argv)
{
    struct epoll_event events[64], event = { .events = EPOLLIN };
    static char buffer[65536];
    int listener, poll = epoll_create1(0), on = 1;

    if (argc != 2)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    event.data.fd = listener = listen_at(argv[1]);
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(poll, events, 64, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                event.data.fd = accept(listener, NULL, NULL);
                fcntl(event.data.fd, F_SETFL, O_NONBLOCK);
                setsockopt(event.data.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                epoll_ctl(poll, EPOLL_CTL_ADD, event.data.fd, &event);
                continue;
            }
            ssize_t length = read(fd, buffer, sizeof buffer);
            if (length <= 0 || write(fd, buffer, length) != length)
                close(fd);
        }
    }
}
