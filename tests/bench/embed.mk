# bench_embed: how fast texts become vectors.
bench_programs += $(B)/bench_embed

$(B)/bench_embed: $(B)/obj/tests/bench/bench_embed.o $(B)/liblocal.a $(B)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(link_flags) -o $@ $^ $(core_libs)
