# bench_parse: documents through the confined parser, and what the confinement costs.
bench_programs += $(B)/bench_parse

$(B)/bench_parse: $(B)/obj/tests/bench/bench_parse.o $(B)/libcore.a | $(B)/askfs-parse
	$(call say,LINK,$@)
	$(Q)$(CC) $(link_flags) -o $@ $^ $(core_libs)
