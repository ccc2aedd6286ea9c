# askfs: `make help` lists the targets.
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= gcc
SAN     ?=
V       ?= 0
VERSION := 0.1.0

variant := $(if $(SAN),san-$(subst $(comma),-,$(subst undefined,ub,$(SAN))),release)
comma   := ,
B       ?= build/$(if $(SAN),san-$(subst $(comma),-,$(SAN)),release)

Q := $(if $(filter 1,$(V)),,@)
say = @$(if $(filter 1,$(V)),:,printf '  %-6s %s\n' $(1) $(2))

core_packages  := sqlite3 icu-uc icu-i18n libcjson openssl inih
fs_packages    := fuse3
parse_packages := icu-uc libxml-2.0 poppler-glib uchardet libseccomp libcjson

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Wformat=2 -Werror -Wno-gnu-statement-expression
CFLAGS ?= -O2 -g
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -O1)
all_cflags = -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DASKFS_VERSION='"$(VERSION)"' \
	-DASKFS_LIBEXEC='"$(PREFIX)/libexec/askfs"' -I. -include core/banned.h $(WARN) $(CFLAGS) \
	-fstack-protector-strong $(SANFLAGS) $(shell pkg-config --cflags $(1))
link_flags := -pthread $(SANFLAGS) -Wl,-z,relro,-z,now

core_sources  := $(wildcard core/*.c core/text/*.c)
local_sources := $(wildcard core/local/*.c core/local/*/*.c)
fs_sources    := $(filter-out fs/main.c,$(wildcard fs/*.c))
parse_sources := $(wildcard core/parse/*.c)
unit_sources  := $(wildcard tests/unit/test_*.c)
helper_sources := $(filter-out $(unit_sources),$(wildcard tests/unit/*.c))

objects = $(patsubst %.c,$(B)/obj/%.o,$(1))
core_libs = $(shell pkg-config --libs $(core_packages)) -lstemmer -lm

all: $(B)/askfs $(B)/askfs-parse

$(B)/libcore.a: $(call objects,$(core_sources))
$(B)/liblocal.a: $(call objects,$(local_sources))
$(B)/libfs.a: $(call objects,$(fs_sources))

$(B)/%.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/askfs: $(B)/obj/fs/main.o $(B)/libfs.a $(B)/liblocal.a $(B)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(link_flags) -o $@ $^ $(shell pkg-config --libs $(fs_packages)) $(core_libs)

$(B)/askfs-parse: $(call objects,$(parse_sources)) $(B)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(link_flags) -o $@ $^ $(shell pkg-config --libs $(parse_packages)) -lmagic $(core_libs)

$(B)/test_%: $(B)/obj/tests/unit/test_%.o $(call objects,$(helper_sources)) $(B)/liblocal.a $(B)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(link_flags) -o $@ $^ -lcmocka $(core_libs)

$(B)/obj/fs/%.o: packages := $(fs_packages) $(core_packages)
$(B)/obj/core/parse/%.o: packages := $(parse_packages)
$(B)/obj/%.o: packages ?= $(core_packages)
$(B)/obj/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(call all_cflags,$(packages)) -MMD -MP -c -o $@ $<

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

unit_programs := $(patsubst tests/unit/%.c,$(B)/%,$(unit_sources))
unit: $(unit_programs) $(B)/askfs-parse
	$(Q)set -e; for t in $(unit_programs); do echo "== $$t"; ASKFS_PARSE=$(B)/askfs-parse $$t; done

clean:
	rm -rf build

.PHONY: all unit clean
.SECONDARY:
