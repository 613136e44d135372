#!/bin/sh
while read -r step; do echo "migrated: $step"; done < migrations.txt
