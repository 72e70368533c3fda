// The program of the hello image. Static and without a C library, so that the image is a few kilobytes: it needs two
// system calls.
#if defined(__x86_64__)
#define SYS_write 1
#define SYS_exit_group 231
static long system_call(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
#define SYS_write 64
#define SYS_exit_group 94
static long system_call(long number, long a, long b, long c) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
  return x0;
}
#else
#error "hello.c: add the system calls of this architecture"
#endif

static const char text[] =
    "Hello from a Berth container!\n"
    "\n"
    "What just happened:\n"
    " 1. The command line asked the daemon, berthd, over its socket for a container of the image \"hello\".\n"
    " 2. The daemon had that image with it. It unpacked the image's only layer and wrote a bundle.\n"
    " 3. A small monitor, berth-shim, made the namespaces, the cgroup and the root file system, and started this "
    "program.\n"
    " 4. What this program wrote went from the container straight to your terminal.\n"
    "\n"
    "To try next, with an image of your own:\n"
    "  berth load -i image.tar           # docker save, podman save and skopeo write such files\n"
    "  berth run --rm -it IMAGE sh\n"
    "\n";

void _start(void);

__attribute__((noreturn)) void _start(void) {
  long written = 0;
  const long size = (long)sizeof text - 1;
  while (written < size) {
    const long now = system_call(SYS_write, 1, (long)(text + written), size - written);
    if (now <= 0) break;
    written += now;
  }
  for (;;) system_call(SYS_exit_group, written == size ? 0 : 1, 0, 0);
}
