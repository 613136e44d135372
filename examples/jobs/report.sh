#!/bin/sh
echo "orders of the day: 42"
