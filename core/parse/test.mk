# askfs-parse-test: the same program, which misbehaves where a document asks it to. It is built
# for tests/unit/test_sandbox.c and never installed.
parse_test_objects := $(patsubst %.c,$(B)/parse-test/%.o,$(parse_sources) tests/parse/misbehave.c)

$(B)/parse-test/%.o: packages := $(parse_packages)
$(B)/parse-test/%.o: defines := $(parse_defines)
$(B)/parse-test/%.o: %.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(call all_cflags,$(packages)) -DASKFS_PARSE_TEST -MMD -MP -c -o $@ $<

$(B)/askfs-parse-test: $(parse_test_objects) $(B)/libcore.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(link_flags) -o $@ $^ $(call ask_pkg,--libs $(parse_packages)) -lmagic $(core_libs)

$(B)/test_parser: | $(B)/askfs-parse $(ocr_program)
$(B)/test_sandbox $(B)/test_family: | $(B)/askfs-parse $(B)/askfs-parse-test

-include $(parse_test_objects:.o=.d)
$(B)/test_formats $(B)/test_text_kind $(B)/test_hostile: | $(B)/askfs-parse $(ocr_program)
