# Fuzz targets of what reads foreign bytes. `make SAN=address,undefined fuzz` runs each for a
# few seconds over the fixtures; ROUNDS=1000000 for longer, FUZZ_SEED for other inputs.
ROUNDS    ?= 2000
FUZZ_SEED ?= 1

fuzz_targets  := plain markdown html pdf reply
fuzz_seeds     = $(if $(filter pdf,$(1)),$(filter-out %/bomb.pdf,$(wildcard tests/fixtures/parse/*.pdf)), \
	tests/fixtures/parse/seeds/$(1)/*)
fuzz_programs += $(addprefix $(B)/fuzz_,$(fuzz_targets))
fuzz_objects  := $(patsubst %.c,$(B)/obj/%.o,$(filter-out core/parse/main.c,$(parse_sources)) \
	tests/fuzz/fuzz.c tests/fuzz/driver.c)

$(B)/obj/tests/fuzz/%.o: packages := $(parse_packages)
$(B)/fuzz_%: $(B)/obj/tests/fuzz/fuzz_%.o $(fuzz_objects) $(B)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(link_flags) -o $@ $^ $(call ask_pkg,--libs $(parse_packages)) -lmagic $(core_libs)

# Office documents: those of the formats' tests, unpacked.
office_seeds   := $(filter-out %/encrypted.docx %/cut.docx,$(wildcard tests/formats/office/*.docx \
	tests/formats/office/*.xlsx tests/formats/office/*.pptx tests/formats/office/*.od?))
fuzz_programs  += $(B)/fuzz_office

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
	$(Q)tests/fuzz/store_office $(B)/fuzz-seeds/office $(office_seeds)
	$(Q)echo '== office'; $(B)/fuzz_office $(ROUNDS) $(FUZZ_SEED) $(B)/fuzz-seeds/office/*
	$(Q)$(B)/model_seeds $(B)/fuzz-seeds
	$(Q)set -e; $(foreach t,$(model_targets),echo '== $(t)'; \
		$(B)/fuzz_$(t) $(ROUNDS) $(FUZZ_SEED) $(call model_seeds,$(t));)

.PHONY: fuzz
