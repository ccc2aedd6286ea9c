# The words' index beside FTS5, over the same chunks.
bench_programs += $(B)/bench_search

$(B)/bench_search: $(B)/obj/tests/bench/bench_search.o $(B)/liblocal.a $(B)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(link_flags) -o $@ $^ $(core_libs)

# The index of embeddings: its bits beside a scan of all.
bench_programs += $(B)/bench_dense

$(B)/bench_dense: $(B)/obj/tests/bench/bench_dense.o $(B)/liblocal.a $(B)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(link_flags) -o $@ $^ $(core_libs)
