#!/usr/bin/ruby
# -*- coding: koi8-r -*-
puts "шлюз"
