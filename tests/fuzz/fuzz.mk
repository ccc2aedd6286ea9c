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

fuzz: $(fuzz_programs) ## give the readers broken documents (ROUNDS=, FUZZ_SEED=)
	$(Q)set -e; $(foreach t,$(fuzz_targets),echo '== $(t)'; \
		$(B)/fuzz_$(t) $(ROUNDS) $(FUZZ_SEED) $(call fuzz_seeds,$(t));)

.PHONY: fuzz
