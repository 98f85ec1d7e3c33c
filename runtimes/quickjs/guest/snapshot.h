/* Snapshots: the host copies the memory out between two runs, and into a new instance later. */

/* Whether the memory may be copied: where the stack pointer stands if nothing is under way, else 0.
 * Below it all is dead. Runs no JavaScript. */
GUEST_EXPORT(guest_rest)(void) {
  uint32_t pointer;
  __asm__(".globaltype __stack_pointer, i32\n"
          "global.get __stack_pointer\n"
          "local.set %0"
          : "=r"(pointer));
  return run.depth == 0 && modules.loading == 0 ? pointer : 0;
}

/* Once, after guest_adopt, in memory that was copied in: what the runtime that it was taken from held
 * is nobody's any more, and what the host relies on is put in place again, be the heap forged or not.
 * Returns 0. Runs no JavaScript. */
GUEST_EXPORT(guest_restore)(void) {
  run = (Run){0};
  refusal.status = 0;
  guest_header.budget_ns = 0;
  set_hooks();
  ctx->interrupt_counter = JS_INTERRUPT_COUNTER_INIT;
  rt->in_build_stack_trace = false;
  for (uint32_t i = 0; i < handles.count; i++) handle_release(ctx, i);
  return 0;
}

static bool is_host_function(const JSGCObjectHeader *header, uint32_t number) {
  if (JS_GC_TYPE(header) != JS_GC_OBJ_TYPE_JS_OBJECT) return false;
  const JSObject *object = (const JSObject *)header;
  return object->class_id == JS_CLASS_C_FUNCTION &&
         object->u.cfunc.c_function.generic_magic == call_host_function &&
         (uint32_t)object->u.cfunc.magic == number;
}

/* After guest_restore: the host function of this number takes another number of arguments now.
 * Returns 0. Runs no JavaScript. */
GUEST_EXPORT(guest_set_arity)(uint32_t number, uint32_t arity) {
  struct list_head *link;
  list_for_each(link, &rt->gc_obj_list) {
    JSGCObjectHeader *header = list_entry(link, JSGCObjectHeader, link);
    if (!is_host_function(header, number)) continue;
    JS_DefineProperty(ctx, JS_MKPTR(JS_TAG_OBJECT, header), JS_ATOM_length,
                      JS_NewInt32(ctx, (int32_t)arity), JS_UNDEFINED, JS_UNDEFINED,
                      JS_PROP_HAS_VALUE);
  }
  return 0;
}
