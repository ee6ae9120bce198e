#!/bin/sh
# Times the models of this folder on an Android device with TFLite's stock benchmark.
# It runs each line of benchmark.txt (a model and an input). It needs adb, and installs
# nothing.

usage() {
    cat <<'END'
usage: ./run_benchmark.sh [--serial=SERIAL] [--threads=1] [--runs=50] [--timeout=120]
                          [--benchmark_model=FILE | --app]

  --serial           serial number of the device, as `adb devices` lists it (default:
                     the environment variable ANDROID_SERIAL, or else the only device)
  --threads          number of CPU threads
  --runs             number of runs of each model on each input, after the warm-up
  --timeout          longest time for one model on one input, in seconds
  --benchmark_model  path of the benchmark's binary on this machine, which is pushed to
                     the device, or else its path on the device
  --app              run the benchmark app, which must be installed, instead

Without --benchmark_model and --app, the script runs /data/local/tmp/benchmark_model on
the device or, if there is none, the app.
END
}

LC_ALL=C
export LC_ALL
page=https://ai.google.dev/edge/litert/models/measurement
app=org.tensorflow.lite.benchmark
folder=/data/local/tmp/tfdyn-$(date +%s)-$$
here=$(cd "$(dirname "$0")" && pwd) || exit 1
poll=${POLL_SECONDS:-1}  # Seconds between two looks at a run.
patience=5               # Looks at an unchanged log after which an error is final.
serial=${ANDROID_SERIAL-} threads=1 runs=50 timeout=120 program='' by=''
copy='' job='' pushed='' failed=''

die() {
    echo "error: $*" >&2
    exit 1
}

call() {
    adb -s "$serial" "$@" </dev/null 2>&1
}

# Stops a run and removes the written files, however the script ends.
finish() {
    trap '' HUP INT TERM
    [ -z "$job" ] || kill "$job" 2>/dev/null
    if [ -n "$pushed" ]; then
        if [ "$by" = app ]; then
            call shell "am force-stop $app" >/dev/null
        else  # Because of the brackets the pattern does not match pkill's own shell.
            call shell "pkill -f '${folder%?}[${folder#"${folder%?}"}]'" >/dev/null
        fi
        call shell "rm -rf $folder" >/dev/null || echo "Pushed files may still be on" \
            "the device; remove them by: adb -s $serial shell rm -rf $folder" >&2
    fi
    [ -z "$copy" ] || rm -rf "$copy"
}

last_lines() {
    tr -d '\r' <"$1" | grep -v '^(end)$' | grep '[^ ]' | tail -n 5 | sed 's/^/  /'
}

# Prints the state of the device: device, unauthorized, offline, …, or nothing.
state() {
    adb devices </dev/null 2>/dev/null | tr -d '\r' |
        awk -F '\t' -v serial="$serial" '$1 == serial { print $2 }'
}

# After a failed call, $1: ends the script if the device is lost, and else returns.
lost() {
    now=$(state)
    [ "$now" = device ] || die "$serial was lost at $1: it is ${now:-disconnected}." \
        "Check that its cable is in and that it stays awake, then start again."
}

choose_device() {
    command -v adb >/dev/null || die "There is no adb on the PATH: install Android's" \
        "platform tools, https://developer.android.com/tools/releases/platform-tools."
    adb devices </dev/null >"$copy/devices" 2>&1 ||
        die "\`adb devices\` failed: $(last_lines "$copy/devices")"
    # Other lines, such as the one that adb's server starts, have no tab.
    names=$(tr -d '\r' <"$copy/devices" | awk -F '\t' 'NF > 1 { print $1 }')
    [ -n "$names" ] || die "There is no Android device: connect one with USB debugging" \
        "switched on, or start an emulator. \`adb devices\` must list it."
    ways=$(echo "$names" | sed 's/^/--serial=/' | paste -s -d ' ' -)
    if [ -z "$serial" ]; then
        [ "$(echo "$names" | wc -l)" -eq 1 ] ||
            die "There are several devices: choose one with $ways."
        serial=$names
    fi
    case $(state) in
        device) ;;
        '') die "There is no device $serial: choose one with $ways." ;;
        unauthorized) die "$serial does not trust this computer (unauthorized):" \
            "unlock it and confirm that USB debugging is allowed." ;;
        *) die "$serial is not ready ($(state)): wait until it has started, and" \
            "connect it again." ;;
    esac
}

on_device() {
    case $(call shell "[ -x '$1' ] && echo found") in *found*) return 0 ;; esac
    return 1
}

installed() {
    case $(call shell "pm path $app") in *package:*) return 0 ;; esac
    return 1
}

# Sets `by`, the binary or the app, and `program`, the binary's path here or there.
choose_benchmark() {
    if [ "$by" = app ]; then
        installed || die "The benchmark app is not installed on $serial: get" \
            "android_aarch64_benchmark_model.apk from $page and install it with" \
            "\`adb install -r -d -g android_aarch64_benchmark_model.apk\`."
    elif [ -n "$program" ]; then
        [ -f "$program" ] || on_device "$program" || die "There is no benchmark_model:" \
            "neither $program on this machine nor an executable of that path on" \
            "$serial. Get Android's binary (prebuilt, nightly) from $page."
    elif on_device /data/local/tmp/benchmark_model; then
        program=/data/local/tmp/benchmark_model
    elif installed; then
        by=app
    else
        die "There is no benchmark on $serial. Get Android's binary (prebuilt, nightly)" \
            "from $page and name it with --benchmark_model=FILE. Or install the app" \
            "from there with" \
            "\`adb install -r -d -g android_aarch64_benchmark_model.apk\`."
    fi
}

# Pushes models, inputs and, if it is on this machine, the binary into one folder.
push() {
    staged=$copy/${folder##*/} executable=''
    if ! { mkdir "$staged" && cp "$here"/*.tflite "$here"/inputs/*.raw "$staged"; }; then
        die "The models and inputs of $here cannot be copied to $copy: check that" \
            "none is missing, and free some space."
    fi
    if [ "$by" != app ] && [ -f "$program" ]; then
        cp "$program" "$staged/benchmark_model" || die "$program cannot be read."
        program=$folder/benchmark_model executable=" $folder/benchmark_model"
    fi
    pushed=yes
    if ! call push "$staged" "${folder%/*}/" >"$copy/log"; then
        grep -q 'No space left' "$copy/log" && die "$serial has no space for" \
            "$(du -sk "$staged" | cut -f 1) kB in $folder: free some space there." \
            "\`adb -s $serial shell df\` lists what is used."
        lost "adb push"
        die "adb push to $folder failed; it printed last:
$(last_lines "$copy/log")"
    fi
    # The app runs as another user, and files pushed from Windows are not executable.
    call shell "chmod 755 $folder$executable" >"$copy/log" || {
        lost chmod
        die "chmod failed on $serial: $(last_lines "$copy/log")"
    }
}

late() {
    die "$1 did not end on $serial in $timeout s: set fewer --runs or a longer" \
        "--timeout, or connect the device again. It printed last:
$(last_lines "$copy/log")"
}

# Runs the binary with the flags $2; its output is in the log. $1 names the run.
run_binary() {
    adb -s "$serial" shell "'$program' $2" </dev/null >"$copy/log" 2>&1 &
    job=$! start=$(date +%s)
    while kill -0 "$job" 2>/dev/null; do
        [ $(($(date +%s) - start)) -le "$timeout" ] || late "$1"
        sleep "$poll"
    done
    wait "$job" || {
        job=''
        lost "$1"
        return 1
    }
    job=''
}

# Does the same with the app, which writes its output to the device's log.
run_app() {
    # Clearing the log fails if it is busy, so a second try is made.
    call logcat -c >"$copy/log" || call logcat -c >"$copy/log" || {
        lost "logcat -c"
        return 1
    }
    start=$(date +%s) unchanged=0
    # The flags are one word for the device's shell; the app splits them.
    call shell "am start -S -n $app/.BenchmarkModelActivity --es args '$2'" \
        >"$copy/log" || {
        lost "am start"
        return 1
    }
    : >"$copy/log"
    while :; do
        # In this order, the log is complete if the process has ended.
        alive=$(call shell "pidof $app")
        mv "$copy/log" "$copy/before"
        call logcat -d -s tflite >"$copy/log" || {
            lost logcat
            return 1
        }
        timing >/dev/null && return
        # The app does not end after a failure, and not every error is a failure.
        if { [ -z "$alive" ] || grep -q ' [EF] tflite' "$copy/log"; } &&
            cmp -s "$copy/before" "$copy/log"; then
            unchanged=$((unchanged + 1))
            [ "$unchanged" -lt "$patience" ] || return 1
        else
            unchanged=0
        fi
        [ $(($(date +%s) - start)) -le "$timeout" ] || late "$1"
        sleep "$poll"
    done
}

# Prints the time in the log: "MILLISECONDS median", or "MILLISECONDS average" for a
# build that prints no median. Fails if the log has no last line or it is cut off.
timing() {
    { cat "$copy/log" && echo '(end)'; } | tr -d '\r' | awk '
        function field(name) {
            if (!match($0, " " name "=[0-9.eE+-]+")) return ""
            return substr($0, RSTART + length(name) + 2, RLENGTH - length(name) - 2)
        }
        /Inference timings in us:.* Inference \(avg\): [0-9.eE+-]+ *$/ {
            final = $0; sub(/.*: /, "", final); exit
        }
        /(^| )count=[0-9]+ / {
            phases++  # The first one is the warm-up.
            median = field("median"); average = field("avg"); same = field("curr")
        }
        END {
            if (final == "") exit 1
            if (phases < 2) { median = same = ""; average = final }
            # If all runs took the same time, `curr` is the only field.
            if (median == "" && average == "") median = same
            if (median != "") printf "%.3f median\n", median / 1000
            else printf "%.3f average\n", average / 1000
        }'
}

for argument in "$@"; do
    value=${argument#*=}
    case $argument in
        --serial=*) serial=$value ;;
        --threads=*) threads=$value ;;
        --runs=*) runs=$value ;;
        --timeout=*) timeout=$value ;;
        --benchmark_model=*) program=$value ;;
        --app) by=app ;;
        -h | --help)
            usage
            exit
            ;;
        *) die "Unknown argument $argument; --help lists the arguments." ;;
    esac
done
for number in "$threads" "$runs" "$timeout"; do
    case $number in
        *[!0-9]* | 0* | '') die "--threads, --runs and --timeout must be whole" \
            "numbers, 1 or more; got $number." ;;
    esac
done
[ "$by" != app ] || [ -z "$program" ] || die "Set --benchmark_model or --app, not both."

trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
copy=$(mktemp -d) || die "A temporary folder cannot be made: set TMPDIR to a folder" \
    "that can be written to."
choose_device
choose_benchmark
push

common="--num_threads=$threads --num_runs=$runs --min_secs=0 --warmup_runs=3"
# The warm-up lets the clock rate of a phone rise. --max_secs limits each of two phases.
common="$common --warmup_min_secs=0.2 --max_secs=$(((timeout + 1) / 2))"
benchmark=${program:-the benchmark app}
echo "$serial, ${benchmark##*/}, threads: $threads, runs: $runs"
printf '%-26s %-8s %12s %10s\n' model input MACs ms
sed -e '/^#/d' -e "s|FOLDER|$folder|g" "$here/benchmark.txt" >"$copy/rows"
while read -r model input macs flags <&3; do
    if "run_${by:-binary}" "$model on $input" "--graph=$folder/$model $flags $common" &&
        result=$(timing); then
        macs=$(awk -v macs="$macs" 'BEGIN { printf "%.2f M", macs / 1e6 }')
        # shellcheck disable=SC2086 # $result is two words: time, and median or average.
        printf '%-26s %-8s %12s %10s %s\n' "$model" "$input" "$macs" $result
    else
        failed=yes
        printf '%-26s %-8s %12s %10s\n' "$model" "$input" '' failed
        echo "$model on $input failed; the benchmark printed last:" >&2
        last_lines "$copy/log" >&2
    fi
done 3<"$copy/rows"
[ -z "$failed" ] || die "Some runs failed, see above. If the benchmark names an" \
    "operation or a version, a newer build of it may support that: $page"
