/* The guest: QuickJS-NG and our shim as one translation unit, so that the shim may use the engine's
 * internals. Each header is one idea; the order is that of their use of one another.
 *
 * Threads: an instance is used by one host thread at a time. The two stop flags alone may be written
 * by another one.
 */
#include "header.h"

#include <stdbool.h>

/* The first of the variables, which are what runtimes write to most: they begin with a page of the host.
 * (An initialised variable is put where it stands, all others where they are first used.) */
_Alignas(4096) GuestHeader guest_header = {0};
volatile uint32_t guest_hard_stop = 0;

/* Called by the engine, through named edits of the build. */
bool guest_short_of_memory(void);
void guest_note_error(bool about_memory);
void guest_note_out_of_memory(void);
void guest_note_lost_job(void);
static bool guest_compiling; /* set by the engine: a refused request now would be its undoing */
void guest_note_stack_overflow(void);
size_t guest_gc_threshold(size_t used);
struct list_head;
static size_t guest_arena_size(size_t block);
static bool guest_keeps_arena(const struct list_head *free_link);
static double guest_time_origin; /* of performance: milliseconds since 1970 */

#include "alloc.h"
#include "alloc_libc.h"
#include "no_threads.h"
#include "inlining.h"
#include "quickjs.c"

static JSRuntime *rt;
static JSContext *ctx;

#include "imports.h"
#include "handles.h"
#include "shared.h"
#include "buffer.h"
#include "codec_write.h"
#include "codec_read.h"
#include "input.h"
#include "stops.h"
#include "marks.h"
#include "modules.h"
#include "host.h"
#include "jobs.h"
#include "report.h"
#include "sealing.h"
#include "layout.h"
#include "boot.h"
#include "adopt.h"
#include "calls.h"
#include "batch.h"
#include "api.h"
#include "snapshot.h"
