"""What ``deploy/`` gives to operators: rules, dashboard, examples."""
