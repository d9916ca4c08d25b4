/*
 * Runs a command that may not open, or not bind, sockets of IPv4 and IPv6.
 *
 *   restrict listen ERRNO COMMAND…      listen(2) fails, so TCP cannot be served (seccomp)
 *   restrict tcp|udp ERRNO COMMAND…     sockets of that kind cannot be made (seccomp)
 *   restrict landlock 0 COMMAND…        TCP ports cannot be bound (Landlock); exits with 125 if there is none
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARGUMENT(n) offsetof(struct seccomp_data, args[n])
#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)

static int install(struct sock_filter *filter, unsigned short length) {
  struct sock_fprog program = {.len = length, .filter = filter};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int deny_listen(int error) {
  struct sock_filter filter[] = {
      LOAD(offsetof(struct seccomp_data, nr)),
      UNLESS(__NR_listen, 1),
      RETURN(SECCOMP_RET_ERRNO | error),
      RETURN(SECCOMP_RET_ALLOW),
  };
  return install(filter, sizeof filter / sizeof *filter);
}

static int deny_sockets(int type, int error) {
  struct sock_filter filter[] = {
      LOAD(offsetof(struct seccomp_data, nr)),
      UNLESS(__NR_socket, 7),
      LOAD(ARGUMENT(0)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 1, 0),
      UNLESS(AF_INET6, 4),
      LOAD(ARGUMENT(1)),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf), /* without flags such as SOCK_CLOEXEC */
      UNLESS(type, 1),
      RETURN(SECCOMP_RET_ERRNO | error),
      RETURN(SECCOMP_RET_ALLOW),
  };
  return install(filter, sizeof filter / sizeof *filter);
}

/* As <linux/landlock.h> of ABI 4 has them, which not every machine has installed. */
#define CREATE_RULESET 444
#define RESTRICT_SELF 446
#define VERSION_FLAG 1u
#define BIND_TCP 1ull

static int deny_tcp_bind(void) {
  struct {
    uint64_t handled_fs, handled_net;
  } attributes = {0, BIND_TCP};
  if (syscall(CREATE_RULESET, NULL, 0, VERSION_FLAG) < 4) {
    fprintf(stderr, "the kernel has no Landlock for TCP ports\n");
    exit(125);
  }
  int ruleset = syscall(CREATE_RULESET, &attributes, sizeof attributes, 0);
  return ruleset < 0 ? -1 : (int)syscall(RESTRICT_SELF, ruleset, 0);
}

int main(int count, char **arguments) {
  if (count < 4) return 2;
  const char *what = arguments[1];
  int error = atoi(arguments[2]);
  int failed = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (!failed) {
    if (!strcmp(what, "listen")) failed = deny_listen(error);
    else if (!strcmp(what, "tcp")) failed = deny_sockets(SOCK_STREAM, error);
    else if (!strcmp(what, "udp")) failed = deny_sockets(SOCK_DGRAM, error);
    else if (!strcmp(what, "landlock")) failed = deny_tcp_bind();
    else return 2;
  }
  if (failed) {
    perror("restrict");
    return 125;
  }
  execvp(arguments[3], arguments + 3);
  perror(arguments[3]);
  return 127;
}
