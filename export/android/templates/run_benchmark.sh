#!/bin/sh
# Times the models of this folder on an Android device, by TFLite's stock benchmark:
# each model on each input of benchmark.txt. Needs adb, and installs nothing.

usage() {
    cat <<'END'
usage: ./run_benchmark.sh [--serial=SERIAL] [--threads=1] [--runs=50] [--timeout=120]
                          [--benchmark_model=FILE | --app]

  --serial           which device, as `adb devices` lists them (default: the only one,
                     or the one in the environment variable ANDROID_SERIAL)
  --threads          threads of the CPU
  --runs             runs of each model on each input, after the warm-up
  --timeout          seconds that a model on one input may take
  --benchmark_model  the binary: a file of this machine, which is pushed, or a path of
                     the device
  --app              the benchmark app, which is installed already

With neither of the last two it is /data/local/tmp/benchmark_model of the device where
that is there, or else the app.
END
}

LC_ALL=C
export LC_ALL
page=https://ai.google.dev/edge/litert/models/measurement
app=org.tensorflow.lite.benchmark
folder=/data/local/tmp/tfdyn-$(date +%s)-$$
here=$(cd "$(dirname "$0")" && pwd) || exit 1
poll=${POLL_SECONDS:-1}  # How often a run is looked at.
patience=5               # How often the app's log may be the same after an error.
serial=${ANDROID_SERIAL-} threads=1 runs=50 timeout=120 program='' by=''
copy='' job='' pushed='' failed=''

die() {
    echo "error: $*" >&2
    exit 1
}

call() {
    adb -s "$serial" "$@" </dev/null 2>&1
}

# Ends what runs and removes what was written, however the script ends.
finish() {
    trap '' HUP INT TERM
    [ -z "$job" ] || kill "$job" 2>/dev/null
    if [ -n "$pushed" ]; then
        if [ "$by" = app ]; then
            call shell "am force-stop $app" >/dev/null
        else  # With the brackets it does not find the shell that it runs in.
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

# What the device is now: device, unauthorized, offline, …, or nothing.
state() {
    adb devices </dev/null 2>/dev/null | tr -d '\r' |
        awk -F '\t' -v serial="$serial" '$1 == serial { print $2 }'
}

# Of a call that failed: stops if the device is lost; returns where it is still there.
lost() {
    now=$(state)
    [ "$now" = device ] || die "$serial was lost at $1: it is ${now:-disconnected}." \
        "See that its cable is in and that it stays awake, then start again."
}

choose_device() {
    command -v adb >/dev/null || die "There is no adb on the PATH: install Android's" \
        "platform tools, https://developer.android.com/tools/releases/platform-tools."
    adb devices </dev/null >"$copy/devices" 2>&1 ||
        die "\`adb devices\` failed: $(last_lines "$copy/devices")"
    # What else it says, as that its server starts, has no tab.
    names=$(tr -d '\r' <"$copy/devices" | awk -F '\t' 'NF > 1 { print $1 }')
    [ -n "$names" ] || die "There is no Android device: connect one with USB debugging" \
        "switched on, or start an emulator; \`adb devices\` is to list it."
    ways=$(echo "$names" | sed 's/^/--serial=/' | paste -s -d ' ' -)
    if [ -z "$serial" ]; then
        [ "$(echo "$names" | wc -l)" -eq 1 ] ||
            die "There are several devices: choose one by $ways."
        serial=$names
    fi
    case $(state) in
        device) ;;
        '') die "There is no device $serial: choose by $ways." ;;
        unauthorized) die "$serial does not trust this computer (unauthorized):" \
            "unlock it and confirm that USB debugging is allowed." ;;
        *) die "$serial is not ready ($(state)): see that it has started, and connect" \
            "it anew." ;;
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

# Sets what runs: `by`, binary or app, and the binary's place, here or there.
choose_benchmark() {
    if [ "$by" = app ]; then
        installed || die "The benchmark app is not installed on $serial: get" \
            "android_aarch64_benchmark_model.apk from $page and" \
            "\`adb install -r -d -g\` it."
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
            "from $page and name it by --benchmark_model=FILE, or install the app from" \
            "there by \`adb install -r -d -g android_aarch64_benchmark_model.apk\`."
    fi
}

# Pushes models, inputs and, where it is of this machine, the binary, side by side.
push() {
    staged=$copy/${folder##*/} made=''
    if ! { mkdir "$staged" && cp "$here"/*.tflite "$here"/inputs/*.raw "$staged"; }; then
        die "The models and inputs of $here cannot be copied to $copy."
    fi
    if [ "$by" != app ] && [ -f "$program" ]; then
        cp "$program" "$staged/benchmark_model" || die "$program cannot be read."
        program=$folder/benchmark_model made=" $folder/benchmark_model"
    fi
    pushed=yes
    if ! call push "$staged" "${folder%/*}/" >"$copy/log"; then
        grep -q 'No space left' "$copy/log" && die "$serial has no space for" \
            "$(du -sk "$staged" | cut -f 1) kB in $folder: free some there;" \
            "\`adb -s $serial shell df\` says how it is used."
        lost "adb push"
        die "adb push to $folder failed; it said last:
$(last_lines "$copy/log")"
    fi
    # The app is another user; and what comes from Windows cannot be executed.
    call shell "chmod 755 $folder$made" >"$copy/log" || {
        lost chmod
        die "chmod failed on $serial: $(last_lines "$copy/log")"
    }
}

late() {
    die "$1 did not end on $serial in $timeout s: ask for fewer --runs, allow more" \
        "--timeout, or connect it anew. It said last:
$(last_lines "$copy/log")"
}

# Runs the binary with the flags $2; leaves what it says in the log. $1 names the run.
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

# The same by the app, which is started, and says what it finds in the device's log.
run_app() {
    # The log may be busy: the second time it is not.
    call logcat -c >"$copy/log" || call logcat -c >"$copy/log" || {
        lost "logcat -c"
        return 1
    }
    start=$(date +%s) rested=0
    # Quoted once for the shell there; the app splits it by itself.
    call shell "am start -S -n $app/.BenchmarkModelActivity --es args '$2'" \
        >"$copy/log" || {
        lost "am start"
        return 1
    }
    : >"$copy/log"
    while :; do
        # In this order: what a process that has ended said is then in the log.
        alive=$(call shell "pidof $app")
        mv "$copy/log" "$copy/before"
        call logcat -d -s tflite >"$copy/log" || {
            lost logcat
            return 1
        }
        timing >/dev/null && return
        # It does not end when it has failed; nor is every error a failure.
        if { [ -z "$alive" ] || grep -q ' [EF] tflite' "$copy/log"; } &&
            cmp -s "$copy/before" "$copy/log"; then
            rested=$((rested + 1))
            [ "$rested" -lt "$patience" ] || return 1
        else
            rested=0
        fi
        [ $(($(date +%s) - start)) -le "$timeout" ] || late "$1"
        sleep "$poll"
    done
}

# What the log says: "MILLISECONDS median", "MILLISECONDS average" of a build that tells
# no median, or nothing, and fails, where its last line is not there or is cut off.
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
            phases++  # The first one warms up.
            median = field("median"); average = field("avg"); same = field("curr")
        }
        END {
            if (final == "") exit 1
            if (phases < 2) { median = same = ""; average = final }
            if (median == "" && average == "") median = same  # All runs took as long.
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
        *) die "Unknown argument $argument; --help lists them." ;;
    esac
done
for number in "$threads" "$runs" "$timeout"; do
    case $number in
        *[!0-9]* | 0* | '') die "--threads, --runs and --timeout are whole numbers," \
            "1 or more; got $number." ;;
    esac
done
[ "$by" != app ] || [ -z "$program" ] || die "Give --benchmark_model or --app, not both."

trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
copy=$(mktemp -d) || die "No temporary folder can be made here."
choose_device
choose_benchmark
push

common="--num_threads=$threads --num_runs=$runs --min_secs=0 --warmup_runs=3"
# Time limits are of each of its two phases; the clock of a phone rises under load.
common="$common --warmup_min_secs=0.2 --max_secs=$(((timeout + 1) / 2))"
what=${program:-the benchmark app}
echo "$serial, ${what##*/}, threads: $threads, runs: $runs"
printf '%-26s %-8s %12s %10s\n' model input MACs ms
sed -e '/^#/d' -e "s|FOLDER|$folder|g" "$here/benchmark.txt" >"$copy/rows"
while read -r model input macs flags <&3; do
    if "run_${by:-binary}" "$model on $input" "--graph=$folder/$model $flags $common" &&
        found=$(timing); then
        macs=$(awk -v macs="$macs" 'BEGIN { printf "%.2f M", macs / 1e6 }')
        # shellcheck disable=SC2086 # These are two words.
        printf '%-26s %-8s %12s %10s %s\n' "$model" "$input" "$macs" $found
    else
        failed=yes
        printf '%-26s %-8s %12s %10s\n' "$model" "$input" '' failed
        echo "$model on $input failed; the benchmark said last:" >&2
        last_lines "$copy/log" >&2
    fi
done 3<"$copy/rows"
[ -z "$failed" ] || die "Some runs failed, see above. Where that is of an operation or a" \
    "version, a newer build of the benchmark may know it: $page"
