<?php
// The PHP program of the tests: says its process id.
echo getmypid();
