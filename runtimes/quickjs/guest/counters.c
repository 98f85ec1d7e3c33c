/* In the training guest alone: where LLVM's instrumentation counts, for benchmarks/train.py to read.
 * It takes the place of compiler-rt's runtime, which would write a file. */
#include "header.h"

int __llvm_profile_runtime; /* what the instrumented code refers to, to have a runtime linked */

extern const char counters_start[] __asm__("__start___llvm_prf_cnts");
extern const char counters_stop[] __asm__("__stop___llvm_prf_cnts");
extern const char data_start[] __asm__("__start___llvm_prf_data");
extern const char data_stop[] __asm__("__stop___llvm_prf_data");
extern const char names_start[] __asm__("__start___llvm_prf_names");
extern const char names_stop[] __asm__("__stop___llvm_prf_names");

/* The bounds of the three sections, by number: counters, data, names, each from and to. */
__attribute__((export_name("guest_counters"))) const char *guest_counters(unsigned which) {
  const char *const bounds[] = {counters_start, counters_stop, data_start,
                                data_stop,      names_start,   names_stop};
  return which < sizeof bounds / sizeof bounds[0] ? bounds[which] : 0;
}
