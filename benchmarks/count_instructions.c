// A plugin of QEMU that counts the instructions of the program that QEMU runs.
//
// At each call of getppid the program's standard error gets a line "instructions N": the
// number so far. The difference between two lines is what ran in between.

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// The part of QEMU's interface that is used here; Debian has no package of its header.
typedef uint64_t qemu_plugin_id_t;
struct qemu_info_t;
struct qemu_plugin_tb;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
typedef void translated_t(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void called_t(qemu_plugin_id_t, unsigned, int64_t, uint64_t, uint64_t, uint64_t,
                      uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, translated_t *);
void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t, called_t *);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *,
                                              enum qemu_plugin_op, void *, uint64_t);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);

int qemu_plugin_version = 1;

enum { GETPPID = 173 };  // The number of the call on ARM64.

static uint64_t count;

// A block of instructions was translated. Each time it runs, its length is added.
static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_inline(block, QEMU_PLUGIN_INLINE_ADD_U64, &count,
                                           qemu_plugin_tb_n_insns(block));
}

static void called(qemu_plugin_id_t id, unsigned processor, int64_t number, uint64_t a,
                   uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g,
                   uint64_t h) {
  (void)id, (void)processor, (void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
  (void)g, (void)h;
  if (number == GETPPID) fprintf(stderr, "instructions %llu\n", (unsigned long long)count);
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int words,
                        char **arguments) {
  (void)info, (void)words, (void)arguments;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_vcpu_syscall_cb(id, called);
  return 0;
}
