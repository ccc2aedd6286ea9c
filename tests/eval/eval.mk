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

# German questions over the English documents of the same articles.
eval-across: $(B)/eval-dev
	$(Q)mkdir -p $(B)/eval
	$(Q)questions=$(EVAL)/dev/xquad-de/questions.jsonl docs=$(EVAL)/dev/squad2/docs; \
		$(B)/eval-dev $$docs $$questions $(B)/eval/across.jsonl && \
		python3 $(EVAL)/score.py $$questions $(B)/eval/across.jsonl --docs $$docs

.PHONY: eval-dev eval-across

$(B)/embed: $(B)/obj/tests/eval/embed.o $(B)/liblocal.a $(B)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(link_flags) -o $@ $^ $(core_libs)
