TRACE_EVENT(kmalloc,

	TP_PROTO(unsigned long call_site),

	TP_ARGS(call_site)
);
