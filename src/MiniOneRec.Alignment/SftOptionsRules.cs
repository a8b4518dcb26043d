using Microsoft.Extensions.Options;

namespace MiniOneRec.Alignment;

/// <summary>The rules that tie options together.</summary>
internal sealed class SftOptionsRules : IValidateOptions<SftOptions>
{
    public ValidateOptionsResult Validate(string? name, SftOptions options)
    {
        List<string> failures = [];
        if (options.FreezeBackbone && options.Lora is not null)
        {
            failures.Add("FreezeBackbone trains new rows alone and Lora adapters; choose one (Lora.TrainNewRows trains both).");
        }

        if (options.MaxDuration <= TimeSpan.Zero)
        {
            failures.Add($"MaxDuration is {options.MaxDuration}; expected more than no time, or null for no limit.");
        }

        if (options.KeepBest > 1 && options.Checkpoints?.Folder is null)
        {
            failures.Add($"KeepBest is {options.KeepBest}, which needs a Checkpoints.Folder to keep them in.");
        }

        failures.AddRange(options.Lora is { } lora ? LoraOptionsRules.FailuresOf(lora).Select(failure => "Lora." + failure) : []);
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
