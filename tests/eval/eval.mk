# make eval-dev: the answers without a mount, on the development sets; by words alone, or with the
# embedding model that the environment's MODEL names.
EVAL      ?= ../shared/eval
EVAL_SETS ?= squad2 xquad-de xquad-zh

$(B)/eval-dev: $(B)/obj/tests/eval/dev.o $(B)/liblocal.a $(B)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(link_flags) -o $@ $^ $(core_libs)

eval-dev: $(B)/eval-dev
	$(Q)mkdir -p $(B)/eval
	$(Q)set -e; for set in $(EVAL_SETS); do echo "== $$set"; dir=$(EVAL)/dev/$$set; \
		$(B)/eval-dev $$dir/docs $$dir/questions.jsonl $(B)/eval/$$set.jsonl \
			$(B)/eval/$$set.features.jsonl; \
		python3 $(EVAL)/score.py $$dir/questions.jsonl $(B)/eval/$$set.jsonl \
			--docs $$dir/docs; done

.PHONY: eval-dev

$(B)/embed: $(B)/obj/tests/eval/embed.o $(B)/liblocal.a $(B)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(link_flags) -o $@ $^ $(core_libs)
