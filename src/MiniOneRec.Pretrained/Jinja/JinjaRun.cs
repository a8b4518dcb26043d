using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>One rendering: where it stands and what it has used of its limits.</summary>
internal sealed class JinjaRun(JinjaSource source, ChatTemplateLimits limits, TimeProvider clock, CancellationToken cancellationToken)
{
    /// <summary>Widths and lengths above this are taken for it: no limit lets so many characters pass, and sums stay in range.</summary>
    public const long Widest = 1L << 40;

    private const int StepsBetweenLooks = 256;

    private readonly long _start = Stopwatch.GetTimestamp();
    private long _steps;
    private long _nextLook = StepsBetweenLooks;
    private long _bytes;
    private int _calls;
    private int _depth;

    /// <summary>Gets the clock of <c>strftime_now</c>.</summary>
    public TimeProvider Clock => clock;

    /// <summary>Gets or sets the offset of what is evaluated, for messages.</summary>
    public int Position { get; set; }

    public InvalidDataException Error(string problem) => source.Error(Position, problem);

    /// <summary>Counts a step at a place.</summary>
    public void Step(int position)
    {
        Position = position;
        Work(16);
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw Error($"the rendering nests too deep ({nameof(ChatTemplateLimits.MaxDepth)})");
        }
    }

    /// <summary>Counts work on characters or elements; sixteen are a step.</summary>
    public void Work(long units)
    {
        _steps += units >= 16 ? units >> 4 : 1;
        if (_steps < _nextLook)
        {
            return;
        }

        _nextLook = _steps + StepsBetweenLooks;
        cancellationToken.ThrowIfCancellationRequested();
        if (_steps > limits.MaxSteps)
        {
            throw Error($"the rendering takes more than {limits.MaxSteps} steps ({nameof(ChatTemplateLimits.MaxSteps)})");
        }

        if (Stopwatch.GetElapsedTime(_start) > limits.MaxTime)
        {
            throw Error($"the rendering takes longer than {limits.MaxTime.TotalSeconds} s ({nameof(ChatTemplateLimits.MaxTime)})");
        }
    }

    /// <summary>Counts bytes before they are taken.</summary>
    public void Charge(long bytes)
    {
        _bytes += bytes;
        if (_bytes > limits.MaxBytes || bytes < 0)
        {
            throw Error($"the rendering creates more than {limits.MaxBytes} bytes of values ({nameof(ChatTemplateLimits.MaxBytes)})");
        }
    }

    /// <summary>Counts a text that was made.</summary>
    public string Made(string text)
    {
        Charge(32 + (2L * text.Length));
        Work(text.Length);
        return text;
    }

    /// <summary>Makes a number.</summary>
    public object Boxed(long number)
    {
        Charge(24);
        return number;
    }

    /// <summary>Appends to a text in the making.</summary>
    public void Append(StringBuilder builder, string text)
    {
        Charge(2L * text.Length);
        Work(text.Length);
        builder.Append(text);
    }

    /// <summary>Writes output.</summary>
    public void Write(StringBuilder output, string text)
    {
        if (output.Length + (long)text.Length > limits.MaxOutputLength)
        {
            throw Error($"the output is longer than {limits.MaxOutputLength} characters ({nameof(ChatTemplateLimits.MaxOutputLength)})");
        }

        Append(output, text);
    }

    /// <summary>Goes one level down into nested values.</summary>
    public void Enter()
    {
        if (++_depth > limits.MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw Error($"a value nests deeper than {limits.MaxDepth} levels, or contains itself ({nameof(ChatTemplateLimits.MaxDepth)})");
        }
    }

    public void Leave() => _depth--;

    /// <summary>Enters a macro.</summary>
    public void EnterCall()
    {
        Charge(640);
        if (++_calls > limits.MaxCalls)
        {
            throw Error($"macros call each other deeper than {limits.MaxCalls} levels ({nameof(ChatTemplateLimits.MaxCalls)})");
        }
    }

    public void LeaveCall() => _calls--;
}
