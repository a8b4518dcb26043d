namespace MiniOneRec.Pretrained;

/// <summary>Bounds what a chat template may cost. A template above a limit ends with an <see cref="InvalidDataException"/> that names the
/// limit.</summary>
/// <remarks>The defaults leave published templates and prompts of a million characters much room. One rendering never holds more than about
/// 64 MB.</remarks>
public sealed record ChatTemplateLimits
{
    /// <summary>Gets the limits that apply unless others are given.</summary>
    public static ChatTemplateLimits Default { get; } = new();

    /// <summary>Gets the length of the longest template, in characters.</summary>
    /// <value>The default is 262,144.</value>
    public int MaxTemplateLength { get; init; } = 1 << 18;

    /// <summary>Gets how deep expressions, blocks and values may nest.</summary>
    /// <value>The default is 100.</value>
    public int MaxDepth { get; init; } = 100;

    /// <summary>Gets how many macro calls may be active at the same time.</summary>
    /// <value>The default is 100.</value>
    public int MaxCalls { get; init; } = 100;

    /// <summary>Gets how many steps one rendering may take; each evaluated expression, statement or element is one.</summary>
    /// <value>The default is 1,000,000.</value>
    public int MaxSteps { get; init; } = 1_000_000;

    /// <summary>Gets how many bytes of values one rendering may create, those that it no longer uses included.</summary>
    /// <value>The default is 32 MB.</value>
    public long MaxBytes { get; init; } = 32 << 20;

    /// <summary>Gets the length of the longest output, in characters.</summary>
    /// <value>The default is 2,097,152.</value>
    public int MaxOutputLength { get; init; } = 1 << 21;

    /// <summary>Gets how long one rendering may take.</summary>
    /// <value>The default is 3 seconds.</value>
    public TimeSpan MaxTime { get; init; } = TimeSpan.FromSeconds(3);

    /// <exception cref="ArgumentException">A limit is not positive.</exception>
    internal ChatTemplateLimits Validated()
    {
        (string Name, double Value)[] limits =
        [
            (nameof(MaxTemplateLength), MaxTemplateLength), (nameof(MaxDepth), MaxDepth), (nameof(MaxCalls), MaxCalls),
                (nameof(MaxSteps), MaxSteps),
            (nameof(MaxBytes), MaxBytes), (nameof(MaxOutputLength), MaxOutputLength), (nameof(MaxTime), MaxTime.TotalSeconds),
        ];
        foreach (var (name, value) in limits)
        {
            if (value <= 0)
            {
                throw new ArgumentException($"{name} of the chat template's limits is {value}; expected a positive value.");
            }
        }

        return this;
    }
}
