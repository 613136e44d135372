#!/bin/sh
# Run for each alert, with what there is to tell in the environment.
echo "$ECO_ALERT_STATE: $ECO_APP: $ECO_ALERT: $ECO_ALERT_MESSAGE" >> alerts.log
