"""Published holes of tools like this one, each as an attack on ours.  SECURITY.md tells what each teaches."""
