# The words' index beside FTS5, over the same chunks.
bench_programs += $(B)/bench_search

$(B)/bench_search: $(B)/obj/tests/bench/bench_search.o $(B)/liblocal.a $(B)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(link_flags) -o $@ $^ $(core_libs)
