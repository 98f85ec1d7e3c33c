/* What guest and host share in linear memory, and the numbers of the ABI.
 *
 * runtimes/quickjs/_abi.py mirrors the numbers of this file; a test compares the two.
 * ABI.md explains every export, import and owner.
 */
#ifndef GUEST_HEADER_H
#define GUEST_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUEST_ABI 2u

#define GUEST_EXPORT(name) __attribute__((export_name(#name))) uint64_t name
#define GUEST_SELDOM_WRITTEN __attribute__((section(".data.seldom"))) /* not amidst what always is */
#define GUEST_IMPORT(name) __attribute__((import_module("host"), import_name(#name)))

/* Host and guest both write here; every field says who. All little endian, at a fixed address. */
typedef struct GuestHeader {
  uint32_t abi;              /* guest: GUEST_ABI */
  uint32_t size;             /* guest: sizeof(GuestHeader) */
  volatile uint32_t soft_stop; /* host, any thread under its lease: a StopReason, or 0 */
  uint32_t input_ptr;        /* guest: the input buffer, */
  uint32_t input_capacity;   /*        and how much the host may write there */
  uint32_t memory_limit;     /* host, before adoption: bytes the allocator may hand out, 0 = no limit */
  int64_t budget_ns;         /* host, before a run: nanoseconds it may take, 0 = no limit */
  uint32_t result_bytes;     /* host, before adoption: longest encoded result, 0 = no limit */
  uint32_t result_nodes;     /* host, before adoption: most values in a result, 0 = no limit */
  uint32_t stack_bytes;      /* host, before adoption: JavaScript's share of the shadow stack */
  uint32_t memory_used;      /* guest, after each run: bytes handed out by the allocator */
  uint32_t memory_peak;      /* guest, after each run: the most that ever was */
  uint32_t jobs_pending;     /* guest, after each run: jobs left in the queue */
  uint32_t ran_full;         /* guest: the engine was refused memory in this run */
  uint32_t calls_done;       /* guest: how many calls of the batch under way have ended */
} GuestHeader;

/* Why a run was stopped. */
typedef enum StopReason {
  STOP_NONE = 0,
  STOP_CANCELLED = 1, /* cancel() */
  STOP_TIMEOUT = 2,   /* the deadline passed */
  STOP_HOST = 3,      /* a host callback failed fatally; the host has the exception */
  STOP_MEMORY = 4,    /* a job was lost for want of memory; reported as STATUS_MEMORY */
} StopReason;

/* First member of an error report: what kind of error it is. */
typedef enum Status {
  STATUS_THROWN = 1,            /* a value was thrown and not caught */
  STATUS_SYNTAX = 2,            /* the source given does not parse */
  STATUS_VALUE_NOT_FOUND = 3,
  STATUS_VALUE_NOT_CALLABLE = 4,
  STATUS_MISSING_ENTRYPOINT = 5,
  STATUS_CONVERSION = 6,
  STATUS_UNSETTLED = 7,         /* an awaited promise can never settle */
  STATUS_STOPPED = 8,           /* detail: a StopReason */
  STATUS_MEMORY = 9,
  STATUS_STACK = 10,
  STATUS_RESULT_BYTES = 11,
  STATUS_RESULT_NODES = 12,
  STATUS_STALE_HANDLE = 13,
  STATUS_WORN = 14,             /* no error: detail is the result, but the heap stays full */
} Status;

/* Levels of host.console. */
typedef enum ConsoleLevel {
  CONSOLE_DEBUG = 0,
  CONSOLE_LOG = 1,
  CONSOLE_INFO = 2,
  CONSOLE_WARN = 3,
  CONSOLE_ERROR = 4,
} ConsoleLevel;

/* Values of guest_hard_stop. */
typedef enum HardWord {
  HARD_NONE = 0,
  HARD_LOOK = 1, /* call host.check where it is cheap to, and go on */
  HARD_STOP = 2, /* never go on */
} HardWord;

/* Who calls host.check. */
typedef enum CheckPlace {
  CHECK_LOOK = 0,    /* a look put in by the build: the answer is dropped, the host may trap */
  CHECK_HANDLER = 1, /* the interrupt handler: a nonzero answer stops the run softly */
  CHECK_ABORT = 2,   /* the engine gave up: the host traps */
  CHECK_STOP = 3,    /* a stop check put in by the build: the host traps, else the guest does */
} CheckPlace;

/* Results of exports and of host.call, host.resolve, host.source: one packed u64. */
#define PACK_ERROR ((uint64_t)1 << 63)
#define PACK_STOP (~(uint64_t)0) /* from imports only: stop the run, the host has the reason */

extern GuestHeader guest_header;
extern volatile uint32_t guest_hard_stop; /* host, any thread under its lease; tested by stop checks */

#endif
