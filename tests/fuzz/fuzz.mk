# Fuzz targets of what reads foreign bytes. `make SAN=address,undefined fuzz` runs each for a
# few seconds over the fixtures; ROUNDS=1000000 for longer, FUZZ_SEED for other inputs.
ROUNDS    ?= 2000
FUZZ_SEED ?= 1

fuzz_targets  := plain markdown html pdf reply csv json notebook xml svg feed fb2 epub sqlite \
	rst asciidoc org latex man subtitles po
# Real files are there for test_formats already: those that end so are the seeds of a target.
fuzz_ends_csv       := csv tsv
fuzz_ends_json      := geojson webmanifest topojson jsonl
fuzz_ends_notebook  := ipynb
fuzz_ends_xml       := xml
fuzz_ends_svg       := svg
fuzz_ends_feed      := rss atom
fuzz_ends_fb2       := fb2
fuzz_ends_epub      := epub
fuzz_ends_sqlite    := db
fuzz_ends_rst       := rst
fuzz_ends_asciidoc  := adoc
fuzz_ends_org       := org
fuzz_ends_latex     := tex
fuzz_ends_man       := man mdoc
fuzz_ends_subtitles := srt vtt
fuzz_ends_po        := po
fuzz_seeds     = $(if $(filter pdf,$(1)),$(filter-out %/bomb.pdf,$(wildcard tests/fixtures/parse/*.pdf)), \
	$(wildcard tests/fixtures/parse/seeds/$(1)/*) \
	$(foreach end,$(fuzz_ends_$(1)),$(wildcard tests/formats/*/*.$(end))))
fuzz_programs += $(addprefix $(B)/fuzz_,$(fuzz_targets))
fuzz_objects  := $(patsubst %.c,$(B)/obj/%.o,$(filter-out core/parse/main.c,$(parse_sources)) \
	tests/fuzz/fuzz.c tests/fuzz/driver.c)

$(B)/obj/tests/fuzz/%.o: packages := $(parse_packages)
$(B)/fuzz_%: $(B)/obj/tests/fuzz/fuzz_%.o $(fuzz_objects) $(B)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(link_flags) -o $@ $^ $(call ask_pkg,--libs $(parse_packages)) -lmagic $(core_libs)

# What reads an embedding model. The seeds tell of the small model that the unit tests make.
model_targets := packed folder tokenizer text
model_seeds    = $(if $(filter tokenizer,$(1)),tests/fixtures/embed/unigram/tokenizer.json, \
	$(if $(filter text,$(1)),tests/fixtures/embed/texts.txt tests/fixtures/parse/seeds/plain/*, \
	$(B)/fuzz-seeds/$(1)))
model_programs := $(addprefix $(B)/fuzz_,$(model_targets))
fuzz_programs  += $(model_programs) $(B)/model_seeds

$(model_programs): $(B)/fuzz_%: $(B)/obj/tests/fuzz/fuzz_%.o $(B)/obj/tests/fuzz/model.o \
	$(B)/obj/tests/fuzz/driver.o $(B)/liblocal.a $(B)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(link_flags) -o $@ $^ $(core_libs)

$(B)/model_seeds: $(B)/obj/tests/fuzz/model_seeds.o $(B)/obj/tests/unit/embed_world.o \
	$(B)/obj/tests/unit/scratch.o $(B)/liblocal.a $(B)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(link_flags) -o $@ $^ -lcmocka $(core_libs)

fuzz: $(fuzz_programs) ## give the readers broken documents (ROUNDS=, FUZZ_SEED=)
	$(Q)set -e; $(foreach t,$(fuzz_targets),echo '== $(t)'; \
		$(B)/fuzz_$(t) $(ROUNDS) $(FUZZ_SEED) $(call fuzz_seeds,$(t));)
	$(Q)$(B)/model_seeds $(B)/fuzz-seeds
	$(Q)set -e; $(foreach t,$(model_targets),echo '== $(t)'; \
		$(B)/fuzz_$(t) $(ROUNDS) $(FUZZ_SEED) $(call model_seeds,$(t));)

.PHONY: fuzz
