# Fuzz targets of what reads foreign bytes. `make SAN=address,undefined fuzz` runs each for some
# thousand rounds over the fixtures; ROUNDS=1000000 or FUZZ_SECONDS=60 (a minute each) for longer,
# FUZZ_SEED for other inputs, FUZZ=html for one target. FUZZER=libfuzzer builds the same targets with
# clang's libFuzzer (Debian: clang, libclang-rt-14-dev), which watches the branches that an input takes;
# what it finds to be new stays in the build folder for the next time.
ROUNDS       ?= 2000
FUZZ_SECONDS ?=
FUZZ_SEED    ?= 1
FUZZ         ?= %
FUZZER       ?=

fuzz_amount  := $(if $(FUZZ_SECONDS),$(FUZZ_SECONDS)s,$(ROUNDS))
fuzz_driver   = $(if $(FUZZER),,$(B)/obj/tests/fuzz/driver.o)
fuzz_link     = $(link_flags) $(if $(FUZZER),-fsanitize=fuzzer)

fuzz_targets  := plain markdown html pdf media reply archive calendar contacts office \
	csv json notebook xml svg feed fb2 epub sqlite rst asciidoc org latex man subtitles po \
	rtf word excel powerpoint outlook $(if $(filter gmime-3.0,$(parse_optional)),mail mbox mhtml)
fuzz_seeds     = $(or $(fuzz_seeds_$(1)),tests/fixtures/parse/seeds/$(1)/*)
fuzz_seeds_pdf        = $(filter-out %/bomb.pdf,$(wildcard tests/fixtures/parse/*.pdf tests/formats/pdf/*.pdf))
fuzz_seeds_media      = $(filter-out %.json %.py %.md,$(wildcard tests/formats/audio/*))
fuzz_seeds_archive    = $(filter-out %.json %.md %/make,$(wildcard tests/formats/archive/*))
fuzz_seeds_calendar   = tests/formats/calendar/*.ics
fuzz_seeds_contacts   = tests/formats/calendar/*.vcf
fuzz_seeds_mail       = tests/formats/mail/*.eml
fuzz_seeds_mbox       = tests/formats/mail/*.mbox
fuzz_seeds_mhtml      = tests/formats/mail/*.mhtml
fuzz_seeds_office     = $(B)/fuzz-seeds/office/*
fuzz_seeds_csv = tests/formats/*/*.csv tests/formats/*/*.tsv
fuzz_seeds_json = tests/formats/*/*.geojson tests/formats/*/*.webmanifest tests/formats/*/*.topojson tests/formats/*/*.jsonl
fuzz_seeds_notebook = tests/formats/*/*.ipynb
fuzz_seeds_xml = tests/formats/*/*.xml
fuzz_seeds_svg = tests/formats/*/*.svg
fuzz_seeds_feed = tests/formats/*/*.rss tests/formats/*/*.atom
fuzz_seeds_fb2 = tests/formats/*/*.fb2
fuzz_seeds_epub = tests/formats/*/*.epub
fuzz_seeds_sqlite = tests/formats/*/*.db
fuzz_seeds_rst = tests/formats/*/*.rst
fuzz_seeds_asciidoc = tests/formats/*/*.adoc
fuzz_seeds_org = tests/formats/*/*.org
fuzz_seeds_latex = tests/formats/*/*.tex
fuzz_seeds_man = tests/formats/*/*.man tests/formats/*/*.mdoc
fuzz_seeds_subtitles = tests/formats/*/*.srt tests/formats/*/*.vtt
fuzz_seeds_po = tests/formats/*/*.po
fuzz_seeds_rtf        = tests/formats/legacy/*.rtf
fuzz_seeds_word       = tests/formats/legacy/*.doc
fuzz_seeds_excel      = tests/formats/legacy/*.xls
fuzz_seeds_powerpoint = tests/formats/legacy/*.ppt
fuzz_seeds_outlook    = tests/formats/legacy/*.msg
fuzz_programs += $(addprefix $(B)/fuzz_,$(fuzz_targets))
fuzz_objects  := $(patsubst %.c,$(B)/obj/%.o,$(filter-out core/parse/main.c,$(parse_sources)) \
	tests/fuzz/fuzz.c)

$(B)/obj/tests/fuzz/%.o: packages := $(parse_packages)
$(B)/fuzz_%: $(B)/obj/tests/fuzz/fuzz_%.o $(fuzz_objects) $(B)/obj/tests/fuzz/driver.o $(B)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(fuzz_link) -o $@ $< $(fuzz_objects) $(fuzz_driver) $(B)/libcore.a \
		$(call ask_pkg,--libs $(parse_packages)) -lmagic $(core_libs)

# Office documents: those of the formats' tests, unpacked.
office_seeds   := $(filter-out %/encrypted.docx %/cut.docx,$(wildcard tests/formats/office/*.docx \
	tests/formats/office/*.xlsx tests/formats/office/*.pptx tests/formats/office/*.od?))
$(B)/fuzz-seeds/office.made: $(office_seeds)
	$(Q)tests/fuzz/store_office $(B)/fuzz-seeds/office $(office_seeds)
	$(Q)touch $@

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
	$(Q)$(CC) $(fuzz_link) -o $@ $< $(B)/obj/tests/fuzz/model.o $(fuzz_driver) $(B)/liblocal.a \
		$(B)/libcore.a $(core_libs)

$(B)/model_seeds: $(B)/obj/tests/fuzz/model_seeds.o $(B)/obj/tests/unit/embed_world.o \
	$(B)/obj/tests/unit/scratch.o $(B)/liblocal.a $(B)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(link_flags) -o $@ $^ -lcmocka $(core_libs)

# Run target $(1) over the seeds $(2).
corpus   = $(B)/corpus/$(1)
fuzz_run = $(if $(FUZZER), \
	mkdir -p $(call corpus,$(1)) && cp $(2) $(call corpus,$(1)) && \
	$(B)/fuzz_$(1) -max_total_time=$(or $(FUZZ_SECONDS),60) -max_len=65536 -timeout=60 \
		-rss_limit_mb=4096 -seed=$(FUZZ_SEED) -print_final_stats=1 -verbosity=0 \
		-artifact_prefix=$(B)/crash-$(1)- $(call corpus,$(1)), \
	$(B)/fuzz_$(1) $(fuzz_amount) $(FUZZ_SEED) $(2))

ifeq ($(FUZZER)$(FUZZ_INNER),)
fuzz: $(fuzz_programs) $(B)/fuzz-seeds/office.made ## give the readers broken documents (ROUNDS=, FUZZ_SECONDS=, FUZZ_SEED=, FUZZER=libfuzzer)
	$(Q)set -e; $(foreach t,$(filter $(FUZZ),$(fuzz_targets)),echo '== $(t)'; \
		$(call fuzz_run,$(t),$(call fuzz_seeds,$(t)));)
	$(Q)$(B)/model_seeds $(B)/fuzz-seeds
	$(Q)set -e; $(foreach t,$(filter $(FUZZ),$(model_targets)),echo '== $(t)'; \
		$(call fuzz_run,$(t),$(call model_seeds,$(t)));)
else ifeq ($(FUZZ_INNER),)
# Another compiler: another build folder. Its warnings are for those who build with it.
fuzz:
	$(Q)$(MAKE) --no-print-directory fuzz FUZZER=libfuzzer FUZZ_INNER=1 B=build/libfuzzer CC=clang \
		SAN=address,undefined WARN=-w CFLAGS='-g -fsanitize=fuzzer-no-link'
else
# The readers alone: Debian's clang does not know all instructions that a model is run with.
fuzz: $(addprefix $(B)/fuzz_,$(filter $(FUZZ),$(fuzz_targets))) $(B)/fuzz-seeds/office.made
	$(Q)set -e; $(foreach t,$(filter $(FUZZ),$(fuzz_targets)),echo '== $(t)'; \
		$(call fuzz_run,$(t),$(call fuzz_seeds,$(t)));)
endif

.PHONY: fuzz
